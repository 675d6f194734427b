import type { ClaimedRun } from '#runs/claim-runs.ts';
import { claimRuns, renewClaims } from '#runs/claim-runs.ts';
import type { EngineParts } from '#runs/engine-parts.ts';
import { isEnded } from '#runs/run-states.ts';
import { type Step, stepRun } from '#runs/step-run.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/** Live runs that one server looks after at the same time; more wait until some have ended. */
const HELD_RUNS_LIMIT = 2_000;
const CLAIMS_PER_PASS = 256;
/** Without a hint. */
const CLAIM_EVERY_MS = 200;
const LONGEST_TROUBLE_MS = 30_000;

interface Held {
  run: ClaimedRun;
  /** A step is under way. */
  busy: boolean;
  nextLookAt: number;
  /** Look again as soon as the step under way is done. */
  hinted: boolean;
  troubles: number;
  /** Ends a start under way, such as a long pull; null while none is. */
  giveUpStart: AbortController | null;
}

export interface RunDriver {
  /** Claims what is due and begins the next step of each run that is due. Does not wait for the steps. */
  pass(signal: AbortSignal): Promise<'again' | 'done'>;
  /** How many more runs it can look after now. */
  room(): number;
  /** Takes over runs that were claimed for this server as they were placed. */
  take(runs: readonly ClaimedRun[]): void;
  /** There are runs that nobody has claimed yet. */
  hintPlaced(): void;
  /** The run was changed by somebody: read it again. */
  hintRun(run: string): void;
  /** The attempt may have changed in its engine. */
  hintAttempt(attempt: string): void;
  /** Resolves when no step is under way. */
  settled(): Promise<void>;
}

/**
 * Drives live runs: claims those nobody holds, keeps the claims, and takes one step after the other of each. A step that
 * throws is taken again later, and concerns no other run. Everything remembered here only saves time; what counts is in
 * the rows, and a driver that starts with nothing claims it all again.
 */
export function makeRunDriver(parts: EngineParts, on: { readonly wake: () => void; readonly freed: () => void }): RunDriver {
  const { db, clock, limits, log } = parts;
  const held = new Map<string, Held>();
  const byAttempt = new Map<string, string>();
  const underWay = new Set<Promise<void>>();
  const state = { renewAt: 0, claimedAt: 0, reload: new Set<string>(), launching: new Map<string, number>() };
  /** Starts under way: they end with the worker's signal. One listener for all of them, since there may be many. */
  const starts = new Set<AbortController>();
  const obeyed = new WeakSet<AbortSignal>();
  const obey = (signal: AbortSignal): void => {
    if (obeyed.has(signal)) return;
    obeyed.add(signal);
    signal.addEventListener('abort', () => starts.forEach((start) => start.abort()), { once: true });
  };
  const launching = (executor: string): number => state.launching.get(executor) ?? 0;

  /** Only this very entry: the run may have been claimed again since, and another step of it be under way. */
  const letGo = (entry: Held): void => {
    if (held.get(entry.run.id) !== entry) return;
    byAttempt.delete(entry.run.attempt_id);
    parts.logFollowers.letGo(entry.run.attempt_id);
    held.delete(entry.run.id);
  };

  const room = (): number => Math.max(0, HELD_RUNS_LIMIT - held.size);

  /** Unless it is held under a later claim: one that was handed over by a pass that was still for long may be old. */
  const hold = (run: ClaimedRun): void => {
    if ((held.get(run.id)?.run.lease_token ?? 0) >= run.lease_token) return;
    held.set(run.id, { run, busy: false, nextLookAt: 0, hinted: false, troubles: 0, giveUpStart: null });
    byAttempt.set(run.attempt_id, run.id);
  };

  /**
   * Those `hinted` while a step of theirs is under way are read after it. So is one whose step has ended meanwhile: where
   * both statements met, this one shows the run as that step left it, and its attempt as it was before.
   */
  const refresh = async (ids: readonly string[], hinted: ReadonlySet<string>, now: Date): Promise<void> => {
    const before = new Map(ids.map((id) => [id, held.get(id)?.run]));
    const rows = new Map((await renewClaims(db, { server: parts.server, runs: ids, now, leaseMs: limits.leaseMs })).map((row) => [row.id, row]));
    for (const id of ids) {
      const entry = held.get(id);
      const row = rows.get(id);
      if (!entry) continue;
      if (entry.busy || entry.run !== before.get(id)) {
        if (hinted.has(id)) state.reload.add(id);
        if (row?.stop_asked_at != null && row.lease_token === entry.run.lease_token) entry.giveUpStart?.abort();
      } else if (!row || row.lease_token !== entry.run.lease_token) letGo(entry);
      else {
        if (row.state !== entry.run.state || row.stop_asked_at?.getTime() !== entry.run.stop_asked_at?.getTime()) entry.nextLookAt = 0;
        entry.run = row;
      }
    }
  };

  /** One step after the other while there is one to take at once: only the first has to wait for a pass. */
  const takeSteps = async (entry: Held, signal: AbortSignal): Promise<void> => {
    let step = await take(entry, signal);
    while (step.next === 'look-again' && !signal.aborted && !state.reload.has(entry.run.id)) {
      entry.run = step.run;
      publish(entry.run);
      entry.hinted = false;
      step = await take(entry, signal, step.upToDate);
    }
    entry.busy = false;
    apply(entry, step);
  };

  const take = async (entry: Held, signal: AbortSignal, upToDate = false): Promise<Step> => {
    const { executor } = entry.run;
    const start = entry.run.state === 'starting' ? new AbortController() : null;
    // One that is asked to stop by now does not wait for anything in its start, and so needs no way out of it.
    entry.giveUpStart = entry.run.stop_asked_at === null ? start : null;
    if (start) {
      if (signal.aborted) start.abort();
      starts.add(start);
      state.launching.set(executor, launching(executor) + 1);
    }
    try {
      const step = await stepRun(parts, entry.run, start?.signal ?? signal, upToDate);
      entry.troubles = 0;
      return step;
    } catch (error) {
      entry.troubles += 1;
      log.error({ err: error, run: entry.run.id, state: entry.run.state, troubles: entry.troubles }, 'a step of a run failed; it is tried again');
      return { next: 'wait', ms: Math.min(LONGEST_TROUBLE_MS, 100 * 2 ** entry.troubles) };
    } finally {
      entry.giveUpStart = null;
      if (start) {
        starts.delete(start);
        // Others may have been waiting for their turn to start.
        if (launching(executor) === limits.launchesAtOnce) on.wake();
        state.launching.set(executor, launching(executor) - 1);
      }
    }
  };

  const apply = (entry: Held, step: Step): void => {
    const { run } = entry;
    switch (step.next) {
      case 'look-again':
        entry.run = step.run;
        entry.nextLookAt = 0;
        publish(run);
        break;
      case 'reload':
        state.reload.add(run.id);
        entry.nextLookAt = 0;
        break;
      case 'wait':
        entry.nextLookAt = entry.hinted ? 0 : clock.now().getTime() + step.ms;
        break;
      case 'ended':
        letGo(entry);
        publish(run);
        on.freed();
        break;
      case 'let-go':
        letGo(entry);
        break;
    }
    entry.hinted = false;
    if (entry.nextLookAt === 0 || state.reload.has(run.id)) on.wake();
  };

  /** Most passes are for runs that are held already; whether there are new ones is asked when a hint or the time says so. */
  const claimSome = async (now: Date): Promise<readonly ClaimedRun[]> => {
    const limit = Math.min(CLAIMS_PER_PASS, room());
    if (limit === 0 || Math.abs(now.getTime() - state.claimedAt) < CLAIM_EVERY_MS) return [];
    state.claimedAt = now.getTime();
    const executors = parts.executors.all.map(({ id }) => id);
    const claimed = await claimRuns(db, { server: parts.server, executors, now, leaseMs: limits.leaseMs, limit });
    if (claimed.length === limit) state.claimedAt = 0;
    for (const run of claimed) hold(run);
    return claimed;
  };

  const publish = (run: ClaimedRun): void => parts.changes.publish({ tenant: run.tenant_id as TenantId, topic: 'run', id: run.id, change: 'updated' });

  return {
    async pass(signal) {
      obey(signal);
      const now = clock.now();
      const hinted = state.reload;
      state.reload = new Set();
      if (now.getTime() >= state.renewAt) {
        await refresh([...held.keys()], hinted, now);
        state.renewAt = now.getTime() + limits.leaseMs / 3;
      } else if (hinted.size > 0) {
        await refresh(
          [...hinted].filter((id) => held.has(id)),
          hinted,
          now,
        );
      }
      const claimed = await claimSome(now);
      for (const entry of held.values()) {
        if (entry.busy || entry.nextLookAt > now.getTime() || isEnded(entry.run.state)) continue;
        if (entry.run.state === 'starting' && launching(entry.run.executor) >= limits.launchesAtOnce) continue;
        entry.busy = true;
        const step = takeSteps(entry, signal).finally(() => underWay.delete(step));
        underWay.add(step);
      }
      return claimed.length === CLAIMS_PER_PASS ? 'again' : 'done';
    },
    room,
    take(runs) {
      for (const run of runs) hold(run);
      if (runs.length > 0) on.wake();
    },
    hintPlaced() {
      state.claimedAt = 0;
      on.wake();
    },
    hintRun(id) {
      if (held.has(id)) state.reload.add(id);
      else state.claimedAt = 0;
      on.wake();
    },
    hintAttempt(attempt) {
      const entry = held.get(byAttempt.get(attempt) ?? '');
      if (!entry) return;
      entry.nextLookAt = 0;
      entry.hinted = entry.busy;
      if (!entry.busy) on.wake();
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
