import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { finishRun } from '#runs/finish-run.ts';
import { launchRun } from '#runs/launch-run.ts';
import { watchRun } from '#runs/watch-run.ts';

/** What to do with a claimed run after a step. */
export type Step =
  /** It has changed: take the next step now. `upToDate`: this is the run as the last statement left it, in every column. */
  | { readonly next: 'look-again'; readonly run: ClaimedRun; readonly upToDate?: boolean }
  /** Somebody else changed it: read it again, then go on. */
  | { readonly next: 'reload' }
  | { readonly next: 'wait'; readonly ms: number }
  /** It has ended, or waits in the queue again. */
  | { readonly next: 'ended'; readonly queuedAgain: boolean }
  /** It is no longer ours. */
  | { readonly next: 'let-go' };

/** The one step that a live run needs next, by its state. */
export async function stepRun(parts: EngineParts, run: ClaimedRun, signal: AbortSignal, upToDate = false): Promise<Step> {
  const executor = parts.executors.get(run.executor);
  if (executor === undefined) return { next: 'let-go' };
  switch (run.state) {
    case 'starting':
      return launchRun(parts, run, executor, signal);
    case 'running':
    case 'stopping':
      return watchRun(parts, run, executor);
    case 'finishing':
      return finishRun(parts, run, executor, upToDate);
    case 'queued':
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return { next: 'let-go' };
  }
}
