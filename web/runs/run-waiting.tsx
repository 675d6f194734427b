import { Alert, Anchor, Group, Text } from '@mantine/core';
import { RunRef } from '@sodate/contract/ids.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconHourglass } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { waitingQuery } from './run-queries.ts';
import { limitWords, resourcesWords, waitingWords } from './run-words.ts';

/** Why it has not started yet, in numbers, and who holds what it waits for. */
export function RunWaiting({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const query = useQuery(waitingQuery(useClient(), tenant, run.id));
  if (query.data === undefined) return query.error === null ? null : <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />;
  const { waiting } = query.data;
  if (waiting === null) return null;
  const sentence = waitingWords(waiting, run, t, i18n.language);
  const hopeless = waiting.reason === 'never-fits' || waiting.reason === 'no-node';
  return (
    <Alert color={hopeless ? 'orange' : 'blue'} variant="light" icon={<IconHourglass aria-hidden />} title={t(`waiting.${waiting.reason}`)}>
      {sentence !== null && <Text size="sm">{sentence}</Text>}
      <Group gap="2px 20px" mt={6}>
        <Text size="sm">
          {t('waiting.asked')}: <b>{resourcesWords(waiting.asked, t, i18n.language)}</b>
        </Text>
        {waiting.reason === 'quota' && waiting.limit !== null && (
          <Text size="sm">
            {t('waiting.limit')}: <b>{limitWords(waiting.limit, t, i18n.language)}</b>
          </Text>
        )}
        {waiting.ahead > 0 && (
          <Text size="sm">
            {t('waiting.ahead')}: <b>{formatNumber(waiting.ahead, i18n.language)}</b>
          </Text>
        )}
      </Group>
      {waiting.heldBy.length > 0 && (
        <Text size="sm" mt={4}>
          {t('waiting.heldBy')}:{' '}
          {waiting.heldBy.map((holder, index) => (
            <span key={holder}>
              {index > 0 && ', '}
              {RunRef.safeParse(holder).success ? (
                <Anchor inherit underline="always" component={Link} to={`/tenants/${tenant}/runs/${holder}`}>
                  {holder}
                </Anchor>
              ) : (
                holder
              )}
            </span>
          ))}
        </Text>
      )}
    </Alert>
  );
}
