import { useNow } from '../kit/clock.ts';
import { useWords } from '../kit/i18n/words.tsx';
import { formatAge, formatDuration, formatInstant } from './formats.ts';
import { Hint } from './hint.tsx';

/** How long ago, with the exact time on hover; or the exact time with UTC on hover. */
export function Moment({ at, exact = false }: { readonly at: string; readonly exact?: boolean }) {
  const { t, language } = useWords();
  const now = useNow(30_000, !exact);
  return (
    <Hint label={() => (exact ? new Date(at).toISOString() : formatInstant(at, language))}>
      <time dateTime={at}>{exact ? formatInstant(at, language) : (formatAge(at, now, language) ?? t('time.justNow'))}</time>
    </Hint>
  );
}

/** From one instant to another, or counting up while there is no end. */
export function Duration({ from, to }: { readonly from: string; readonly to: string | null }) {
  const { language } = useWords();
  const now = useNow(1_000, to === null);
  return <span>{formatDuration((to === null ? now : Date.parse(to)) - Date.parse(from), language)}</span>;
}
