import { Button, Menu } from '@mantine/core';
import { type RunKindName, SUBMITTED_KINDS } from '@sodate/contract/runs.ts';
import { Link } from '@tanstack/react-router';
import { IconChevronDown, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** The way to a new run: of the kind one looks at, or of any. */
export function NewRun({ tenant, kind }: { readonly tenant: string; readonly kind: RunKindName | undefined }) {
  const { t } = useTranslation();
  if (kind === 'tracked') return null;
  if (kind !== undefined) {
    return (
      <Button component={Link} to={`/tenants/${tenant}/runs/new/${kind}`} leftSection={<IconPlus size={16} aria-hidden />}>
        {t(`submit.title.${kind}`)}
      </Button>
    );
  }
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} aria-hidden />} rightSection={<IconChevronDown size={16} aria-hidden />}>
          {t('run.new')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {SUBMITTED_KINDS.map((one) => (
          <Menu.Item key={one} component={Link} to={`/tenants/${tenant}/runs/new/${one}`}>
            {t(`submit.title.${one}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
