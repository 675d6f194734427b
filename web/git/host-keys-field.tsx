import { Badge, Button, Checkbox, Code, Group, Input, List, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import { readHostKeys } from '@sodate/contract/git.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import type { ChosenHostKeys } from './endpoint-draft.ts';
import { transportOf } from './git-transport.ts';

const LINES_LIMIT = 65_536;

/** The keys by which an SSH server will be known. What the server shows is looked at by a person before anything is kept. */
export function HostKeysField({
  url,
  known,
  onChange,
}: {
  readonly url: string;
  /** Fingerprints by which it is known so far. */
  readonly known: readonly string[];
  readonly onChange: (chosen: ChosenHostKeys | null) => void;
}) {
  const { t } = useTranslation('git');
  const client = useClient();
  const [source, setSource] = useState<'server' | 'lines'>('server');
  const [lines, setLines] = useState('');
  /** The address whose keys were called right. */
  const [compared, setCompared] = useState<string | null>(null);
  const read = useMutation({ mutationFn: (address: string) => client.call(readHostKeys, { body: { url: address } }) });
  const shown = read.variables === url ? (read.data?.items ?? []) : [];
  const given = shown.map(({ line }) => line).join('\n');
  const say = (how: { readonly source: 'server' | 'lines'; readonly lines: string; readonly compared: string | null }): void => {
    setSource(how.source);
    setLines(how.lines);
    setCompared(how.compared);
    if (how.source === 'lines') onChange(how.lines.trim() === '' ? null : { lines: how.lines, shownBy: null });
    else onChange(how.compared === null ? null : { lines: given, shownBy: how.compared });
  };
  return (
    <Input.Wrapper label={t('hostKeys')} description={t('hostKeysText')} labelElement="div">
      <Stack gap="xs" mt={6} role="group" aria-label={t('hostKeys')}>
        <SegmentedControl
          size="xs"
          aria-label={t('hostKeys')}
          value={source}
          onChange={(chosen) => say({ source: chosen, lines, compared: null })}
          data={[
            { value: 'server', label: t('askServer') },
            { value: 'lines', label: t('pasteKeys') },
          ]}
        />
        {source === 'lines' && (
          <Textarea
            label={t('lines')}
            description={t('linesHint')}
            value={lines}
            onChange={(event) => say({ source, lines: event.currentTarget.value, compared: null })}
            maxLength={LINES_LIMIT}
            autosize
            minRows={2}
            maxRows={6}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
          />
        )}
        {source === 'server' && (
          <>
            <Group>
              <Button
                size="xs"
                variant="default"
                disabled={transportOf(url) !== 'ssh'}
                loading={read.isPending}
                onClick={() => {
                  say({ source, lines, compared: null });
                  read.mutate(url);
                }}
              >
                {t(shown.length === 0 ? 'askNow' : 'askAgain')}
              </Button>
            </Group>
            {read.error !== null && read.variables === url && <ErrorPanel error={read.error} />}
            {shown.length > 0 && (
              <>
                <Text size="sm">{t('shownNow')}</Text>
                <List size="sm" spacing={4} listStyleType="none" aria-live="polite">
                  {shown.map(({ type, fingerprint }) => (
                    <List.Item key={fingerprint}>
                      <Text span size="xs" c="dimmed">
                        {type}
                      </Text>{' '}
                      {known.includes(fingerprint) && (
                        <Badge size="xs" variant="default" tt="none" radius="sm" fw={450}>
                          {t('known')}
                        </Badge>
                      )}
                      <Code display="block" style={{ overflowWrap: 'anywhere' }}>
                        {fingerprint}
                      </Code>
                    </List.Item>
                  ))}
                </List>
                <Checkbox
                  label={t('compared')}
                  checked={compared === url}
                  onChange={(event) => say({ source, lines, compared: event.currentTarget.checked ? url : null })}
                />
              </>
            )}
          </>
        )}
      </Stack>
    </Input.Wrapper>
  );
}
