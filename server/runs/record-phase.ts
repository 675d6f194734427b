import type { StartPhase } from '#executors/executor.ts';
import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/** A pull reports with every piece that arrives; people read no faster than this. */
const REPORT_EVERY_MS = 500;

/** Writes what an attempt is doing now, for people, while the claim holds. */
export async function recordPhase({ db, changes }: EngineParts, run: ClaimedRun, now: StartPhase | null): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ phase: now?.phase ?? null, phase_progress: now?.progress ?? null })
    .where('id', '=', run.attempt_id)
    .where((where) => where.exists(where.selectFrom('runs').select('runs.id').where('runs.id', '=', run.id).where('runs.lease_token', '=', run.lease_token)))
    .execute();
  changes.publish({ tenant: run.tenant_id as TenantId, topic: 'run', id: run.id, change: 'updated' });
}

export interface PhaseReports {
  readonly report: (phase: StartPhase) => void;
  /** Drops what was not written yet and waits for what is being written: afterwards nothing of it reaches the database. */
  end(): Promise<void>;
}

/** Takes reports as fast as they come and writes the latest of them now and then. */
export function collectPhases(parts: EngineParts, run: ClaimedRun): PhaseReports {
  const over = new AbortController();
  const state: { latest: StartPhase | null; writing: Promise<void> | null } = { latest: null, writing: null };
  const write = async (): Promise<void> => {
    while (state.latest !== null && !over.signal.aborted) {
      const { latest } = state;
      state.latest = null;
      await recordPhase(parts, run, latest).catch((error: unknown) => parts.log.warn({ err: error, run: run.id }, 'a phase could not be written'));
      await parts.clock.sleep(REPORT_EVERY_MS, over.signal);
    }
    state.writing = null;
  };
  return {
    report(phase) {
      state.latest = phase;
      state.writing ??= write();
    },
    async end() {
      over.abort('over');
      await state.writing;
    },
  };
}
