import { Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useNow } from '../kit/clock.ts';
import { formatAge, formatDuration, formatInstant } from './formats.ts';

/** How long ago, with the exact time on hover; or the exact time with UTC on hover. */
export function Moment({ at, exact = false }: { readonly at: string; readonly exact?: boolean }) {
  const { t, i18n } = useTranslation();
  const now = useNow(30_000, !exact);
  const full = formatInstant(at, i18n.language);
  return (
    <Tooltip label={exact ? new Date(at).toISOString() : full} openDelay={300}>
      <time dateTime={at}>{exact ? full : (formatAge(at, now, i18n.language) ?? t('time.justNow'))}</time>
    </Tooltip>
  );
}

/** From one instant to another, or counting up while there is no end. */
export function Duration({ from, to }: { readonly from: string; readonly to: string | null }) {
  const { i18n } = useTranslation();
  const now = useNow(1_000, to === null);
  return <span>{formatDuration((to === null ? now : Date.parse(to)) - Date.parse(from), i18n.language)}</span>;
}
