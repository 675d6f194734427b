import type { Resources } from '@sodate/contract/resources.ts';
import type { RunState, RunSummary } from '@sodate/contract/runs.ts';
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
