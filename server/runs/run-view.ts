import type { FailureRow } from '#runs/run-failure.ts';
import { FAILURE_CLASSES, FailureClass } from '@sodate/contract/failures.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import { runText, RunWords } from '@sodate/contract/run-words.ts';
import { Command, type RunSummary } from '@sodate/contract/runs.ts';
import type { z } from 'zod';
import { z as zod } from 'zod';

/** A row of `runs` with what is joined to it for showing. */
export interface RunViewRow {
  readonly id: string;
  readonly number: number;
  readonly kind: string;
  readonly name: string;
  readonly memo: string;
  readonly tags: readonly string[];
  readonly favourite: boolean;
  readonly state: string;
  readonly phase: string | null;
  readonly phase_progress: number | null;
  readonly exit_code: number | null;
  readonly failure_class: string | null;
  readonly failure_message: string | null;
  readonly failure_words: unknown;
  readonly output_value: string | null;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly gpus: number;
  readonly partition: string | null;
  readonly image: string;
  readonly node_name: string | null;
  readonly attempt: number;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly user_id: string;
  readonly user_name: string;
  readonly user_display_name: string;
}

/** The part of every kind's stored request that all of them share. */
export const StoredCommand = zod.object({ command: Command, environment: zod.record(zod.string(), zod.string()) });

export function showFailure(row: FailureRow): z.input<typeof RunSummary>['failure'] {
  const known = FailureClass.safeParse(row.failure_class);
  if (!known.success) return null;
  const { fault, advice } = FAILURE_CLASSES[known.data];
  return { class: known.data, fault, message: row.failure_message ?? '', words: showWords(row.failure_words), advice };
}

/** Null for what was written before texts had codes. */
export const showWords = (stored: unknown): RunWords | null => RunWords.nullable().parse(stored ?? null);

/** Warnings of a submission: as they are stored now, and as plain texts, which they were before. */
const StoredWarnings = zod.array(zod.union([RunWords, zod.string()]));

export function showWarnings(stored: unknown): Pick<z.input<typeof Run>, 'warnings' | 'warningWords'> {
  const all = StoredWarnings.parse(stored);
  return {
    warnings: all.map((warning) => (typeof warning === 'string' ? warning : runText(warning))),
    warningWords: all.map((warning) => (typeof warning === 'string' ? null : warning)),
  };
}

export function showRun(row: RunViewRow): z.input<typeof RunSummary> {
  return {
    id: row.id,
    number: row.number,
    kind: row.kind as RunSummary['kind'],
    name: row.name,
    memo: row.memo,
    tags: [...row.tags],
    favourite: row.favourite,
    state: row.state as RunSummary['state'],
    phase: row.phase === null ? null : { name: row.phase, progress: row.phase_progress },
    exitCode: row.exit_code,
    failure: showFailure(row),
    outputValue: row.output_value,
    resources: { cpu: row.cpu_milli / 1000, memory: row.memory_bytes, gpus: row.gpus },
    partition: row.partition,
    image: row.image,
    node: row.node_name,
    attempt: row.attempt,
    createdAt: row.created_at.toISOString(),
    createdBy: { id: row.user_id, name: row.user_name, displayName: row.user_display_name },
    startedAt: row.started_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}
