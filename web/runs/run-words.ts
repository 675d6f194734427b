import type { Resources } from '@sodate/contract/resources.ts';
import type { RunState, RunSummary, Waiting } from '@sodate/contract/runs.ts';
import type { TFunction } from 'i18next';
import { formatBytes, formatNumber } from '../ui/formats.ts';

export const runReference = (run: { readonly kind: string; readonly number: number }): string => `${run.kind}-${run.number}`;

const ENDED: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'cancelled']);
export const hasEnded = (state: RunState): boolean => ENDED.has(state);

/** It can still be asked to stop. */
export const canStop = (state: RunState): boolean => !hasEnded(state) && state !== 'stopping' && state !== 'finishing';

const KNOWN_PHASES = ['staging', 'pulling', 'starting', 'collecting'] as const;

/** Phases have names for people; one we do not know is shown as the server calls it. */
export function phaseWords(phase: NonNullable<RunSummary['phase']>, t: TFunction, language: string): string {
  const name = KNOWN_PHASES.find((one) => one === phase.name);
  const known = name === undefined ? phase.name : t(`phase.${name}`);
  if (phase.progress === null) return known;
  // Progress is a fraction.
  return `${known} ${new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(phase.progress)}`;
}

export function resourcesWords(resources: Resources, t: TFunction, language: string): string {
  const parts = [t('request.cores', { cores: formatNumber(resources.cpu, language) }), formatBytes(resources.memory, language)];
  if (resources.gpus > 0) parts.push(t('request.gpuAmount', { gpus: resources.gpus }));
  return parts.join(' · ');
}

export function limitWords(limit: NonNullable<Waiting['limit']>, t: TFunction, language: string): string {
  const parts = [
    limit.cpu === null ? null : t('request.cores', { cores: formatNumber(limit.cpu, language) }),
    limit.memory === null ? null : formatBytes(limit.memory, language),
    limit.gpus === null ? null : t('request.gpuAmount', { gpus: limit.gpus }),
  ].filter((part) => part !== null);
  return parts.length === 0 ? t('waiting.unlimited') : parts.join(' · ');
}

/** Why a run waits, as a sentence beside the numbers; null where they say it all. The server's own sentence is English. */
export function waitingWords(waiting: Waiting, run: Pick<RunSummary, 'image' | 'partition'>, t: TFunction, language: string): string | null {
  const { image, partition } = run;
  switch (waiting.reason) {
    case 'turn':
      // Others that hold something: one of them keeps it for a run that has waited long. Otherwise it is a matter of order.
      return waiting.heldBy.length > 0 ? t('waiting.text.turn') : waiting.ahead === 0 ? t('waiting.text.next') : null;
    case 'quota':
      return t('waiting.text.quota');
    case 'capacity':
    case 'never-fits':
      return waiting.limit === null ? null : t(`waiting.text.${waiting.reason}`, { limit: limitWords(waiting.limit, t, language) });
    case 'no-node':
      return partition === null ? t('waiting.text.no-node', { image }) : t('waiting.text.no-node-of', { image, partition });
  }
}
