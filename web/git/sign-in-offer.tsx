import { Button } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { useTranslation } from 'react-i18next';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';

const ABOUT_SIGN_IN: ReadonlySet<string> = new Set(['git-sign-in-needed', 'git-sign-in-refused']);

/** Where a git server wants a sign-in, or another one: the way to set it, on the spot. */
export function SignInOffer({ tenant, error, onChoose }: { readonly tenant: string; readonly error: unknown; readonly onChoose: () => void }) {
  const { t } = useTranslation('git');
  const may = mayWork(useMe(), tenant);
  if (!may || !isSodateError(error) || !ABOUT_SIGN_IN.has(error.code)) return null;
  return (
    <Button size="compact-sm" variant="default" mt="xs" onClick={onChoose}>
      {t('offer')}
    </Button>
  );
}
