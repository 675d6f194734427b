import { perLanguage } from '../kit/per-language.ts';

/* Numbers, sizes and times as people read them. All pure; the language is a parameter. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, three significant digits, so that 1_000_000_000 is 1 GB as it was asked for. */
export function formatBytes(bytes: number, language: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const format = unit === 0 || value >= 99.95 ? whole : value < 9.995 ? toHundredths : toTenths;
  return `${format(language).format(value)} ${UNITS[unit]}`;
}

const numbers = (maximumFractionDigits: number) => perLanguage((language) => new Intl.NumberFormat(language, { maximumFractionDigits }));
const [whole, toTenths, toHundredths, toThousandths] = [numbers(0), numbers(1), numbers(2), numbers(3)];

export const formatNumber = (value: number, language: string): string => toThousandths(language).format(value);

const DURATION_UNITS = {
  en: { day: 'd', hour: 'h', minute: 'min', second: 's' },
  ja: { day: '日', hour: '時間', minute: '分', second: '秒' },
};

/** The two largest units that matter: `1 d 3 h`, `4 min 5 s`, `0.4 s`. */
export function formatDuration(milliseconds: number, language: string): string {
  const words = language === 'ja' ? DURATION_UNITS.ja : DURATION_UNITS.en;
  const say = (amount: number, unit: 'day' | 'hour' | 'minute' | 'second'): string => `${amount} ${words[unit]}`;
  const clamped = Math.max(0, milliseconds);
  if (clamped < 950) return say(Math.round(clamped / 100) / 10, 'second');
  const seconds = Math.round(clamped / 1000);
  if (seconds < 60) return say(seconds, 'second');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return [say(minutes, 'minute'), say(seconds % 60, 'second')].join(' ');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return [say(hours, 'hour'), say(minutes % 60, 'minute')].join(' ');
  return [say(Math.floor(hours / 24), 'day'), say(hours % 24, 'hour')].join(' ');
}

const instants = (language: string, timeZone?: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(language, {
    year: 'numeric',
    month: language === 'ja' ? 'numeric' : 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
    ...(timeZone === undefined ? {} : { timeZone }),
  });
const instantsHere = perLanguage((language) => instants(language));

/** In the browser's time zone, to the second. */
export const formatInstant = (instant: string, language: string, timeZone?: string): string =>
  (timeZone === undefined ? instantsHere(language) : instants(language, timeZone)).format(new Date(instant));

const AGES: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const ages = perLanguage((language) => new Intl.RelativeTimeFormat(language, { numeric: 'always' }));

/** `3 minutes ago`; null when it is less than a minute, or ahead because the clocks differ. */
export function formatAge(instant: string, now: number, language: string): string | null {
  const seconds = (now - Date.parse(instant)) / 1000;
  const unit = AGES.find(([, length]) => seconds >= length);
  if (unit === undefined) return null;
  return ages(language).format(-Math.floor(seconds / unit[1]), unit[0]);
}
