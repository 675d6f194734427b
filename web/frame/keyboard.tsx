import { Group, Kbd, Modal, Table, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { PAGES, type PageName } from './pages.ts';

/** So long after a `g` the next key still belongs to it. */
const SECOND_KEY_WITHIN_MS = 1_500;
const NAMES = Object.keys(PAGES) as PageName[];

/** What the keyboard does wherever nothing is being typed: `g` and a letter go to a page, `/` to a list's search, `?` explains. */
export function Keyboard({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [explaining, setExplaining] = useState(false);
  const pressedG = useRef<number>(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const page = event.timeStamp - pressedG.current < SECOND_KEY_WITHIN_MS ? NAMES.find((name) => PAGES[name].key === event.key) : undefined;
      pressedG.current = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (page !== undefined) {
        event.preventDefault();
        void navigate({ to: PAGES[page].to, params: { tenant } });
      } else if (event.key === '/') {
        const field = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (field === null) return;
        event.preventDefault();
        field.focus();
      } else if (event.key === '?') setExplaining(true);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, tenant]);

  return (
    <Modal opened={explaining} onClose={() => setExplaining(false)} title={t('keys.title')} centered closeButtonProps={{ 'aria-label': t('action.close') }}>
      <Table variant="vertical" withRowBorders={false}>
        <Table.Tbody>
          <Row what={t('keys.palette')}>
            <Kbd>Ctrl</Kbd>
            <Kbd>K</Kbd>
            <Text size="xs">/</Text>
            <Kbd>⌘</Kbd>
            <Kbd>K</Kbd>
          </Row>
          {NAMES.map((name) => (
            <Row key={name} what={t('keys.go', { page: t(`nav.${name}`) })}>
              <Kbd>g</Kbd>
              <Text size="xs">{t('keys.then')}</Text>
              <Kbd>{PAGES[name].key}</Kbd>
            </Row>
          ))}
          <Row what={t('keys.search')}>
            <Kbd>/</Kbd>
          </Row>
          <Row what={t('keys.help')}>
            <Kbd>?</Kbd>
          </Row>
        </Table.Tbody>
      </Table>
    </Modal>
  );
}

function Row({ what, children }: { readonly what: string; readonly children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Td>{what}</Table.Td>
      <Table.Td>
        <Group gap={6} justify="flex-end">
          {children}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.closest('input, textarea, select, [role="dialog"], [role="listbox"]') !== null);
