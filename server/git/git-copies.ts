import { findCopies, type GitCopy } from '#git/find-copies.ts';
import { type RepositoryOfRuns, repositoriesOfRuns } from '#git/repositories-of-runs.ts';
import type { Clock } from '#kit/clock.ts';
import { mayRemove } from '#kit/db/hold-removals.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { Log } from '#kit/log.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { mkdirSync, renameSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/**
 * What is kept of repositories on this disk, within a budget: above it what was not used for longest goes, checkouts
 * before mirrors, since a checkout is made again from its mirror without the server it came from. Mirrors that no run
 * names go before those of runs that have ended; a mirror of a run that has not ended stays, whatever the budget.
 *
 * Nothing goes that somebody uses: who uses a copy does so within `holding` and says so by `use` before looking whether
 * it is there. Looking at that and moving a copy out of sight is one step without a pause, so whoever comes later finds
 * it gone and makes it anew. For one process of a home at a time.
 */
export interface GitCopies {
  /** Whatever is used while `work` goes on stays until it has ended. */
  holding<Result>(work: () => Promise<Result>): Promise<Result>;
  use(place: string): void;
  /** Looks how much there is, and removes what has to go. One at a time. */
  keepWithinBudget(): Promise<void>;
  /** Ends that, wherever it is. */
  close(): void;
}

/** A commit that was resolved for a submission stays so long at least, since only then its run names it. */
const SUBMISSION_MS = 15 * 60_000;
const MEMORY_FILE = 'copies.json';

const Remembered = z.object({
  usedAtMs: z.number(),
  /** As it was measured then. */
  bytes: z.number(),
  measuredAtMs: z.number(),
});
const Memory = z.record(z.string(), Remembered);
type Memory = z.infer<typeof Memory>;

type KnownCopy = GitCopy & z.infer<typeof Remembered>;

export function makeGitCopies(parts: {
  readonly db: Database;
  readonly folder: string;
  readonly budgetBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly mirrorOf: (at: { readonly endpoint: GitEndpointId; readonly repository: string }) => string;
}): GitCopies {
  const { db, folder, budgetBytes, clock, log } = parts;
  /** Numbers in the order of their making, since instants of a clock may go back. */
  const state: { order: number; memory: Memory | null; running: Promise<void> | null; exceeded: boolean } = {
    order: 0,
    memory: null,
    running: null,
    exceeded: false,
  };
  const uses = new Map<string, { readonly order: number; readonly atMs: number }>();
  const holds = new Set<{ readonly since: number }>();
  const ended = new AbortController();

  const isHeld = (place: string, kind: GitCopy['kind']): boolean => {
    const used = uses.get(place);
    if (used === undefined) return false;
    const oldestHold = Math.min(...[...holds].map(({ since }) => since), Infinity);
    return used.order > oldestHold || (kind === 'mirror' && clock.now().getTime() - used.atMs < SUBMISSION_MS);
  };

  /** What is there, with its size. Checkouts are measured once, mirrors again after they were used, since they grow. */
  async function look(): Promise<KnownCopy[]> {
    const before = (state.memory ??= await readCopiesMemory(folder));
    const found = await findCopies(folder);
    const known: KnownCopy[] = [];
    for (const copy of found) {
      const remembered = before[copy.name];
      const usedAtMs = uses.get(copy.place)?.atMs ?? remembered?.usedAtMs ?? copy.changedAtMs;
      const isMeasured = remembered !== undefined && (copy.kind === 'checkout' || usedAtMs < remembered.measuredAtMs);
      const measuredAtMs = isMeasured ? remembered.measuredAtMs : clock.now().getTime();
      known.push({ ...copy, usedAtMs, measuredAtMs, bytes: isMeasured ? remembered.bytes : await copy.measure(ended.signal) });
    }
    const places = new Set(found.map(({ place }) => place));
    // What is not there and not held nobody is making. As of a mirror, whose marks count for longer.
    for (const place of uses.keys()) if (!places.has(place) && !isHeld(place, 'mirror')) uses.delete(place);
    return known;
  }

  /** @returns whether it is gone. If the process dies in between, the next start removes what is in `tmp`. */
  async function remove(copy: GitCopy): Promise<boolean> {
    const trash = path.join(folder, 'tmp', newId<string>());
    mkdirSync(path.dirname(trash), { recursive: true });
    const moveAway = (): boolean => {
      if (isHeld(copy.place, copy.kind)) return false;
      try {
        renameSync(copy.place, trash);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
        throw error;
      }
    };
    // A backup reads mirrors, and would miss the commits that runs of its snapshot stand on.
    const gone = copy.kind === 'checkout' ? moveAway() : await db.transaction().execute(async (tx) => (await mayRemove(tx)) && moveAway());
    await rm(trash, { recursive: true, force: true });
    return gone;
  }

  async function removeUntilItFits(known: readonly KnownCopy[]): Promise<readonly KnownCopy[]> {
    const removed = new Set<KnownCopy>();
    let bytes = total(known);
    const removeOldest = async (candidates: readonly KnownCopy[]): Promise<void> => {
      for (const copy of candidates.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
        if (bytes <= budgetBytes || ended.signal.aborted) return;
        if (isHeld(copy.place, copy.kind) || !(await remove(copy))) continue;
        removed.add(copy);
        bytes -= copy.bytes;
      }
    };
    await removeOldest(known.filter(({ kind }) => kind === 'checkout'));
    if (bytes > budgetBytes) {
      const mirrors = known.filter(({ kind }) => kind === 'mirror');
      const named = new Map<string, RepositoryOfRuns>((await repositoriesOfRuns(db)).map((each) => [parts.mirrorOf(each), each]));
      await removeOldest(mirrors.filter(({ place }) => !named.has(place)));
      await removeOldest(mirrors.filter(({ place }) => named.get(place)?.live === false));
    }
    if (removed.size > 0)
      log.info({ removed: [...removed].map(({ name }) => name), bytes, budgetBytes }, 'copies of repositories were removed to keep their budget');
    // Said once, until they fit again.
    if (bytes > budgetBytes && !state.exceeded)
      log.warn({ bytes, budgetBytes }, 'copies of repositories that are in use exceed SODATE_GIT_BUDGET_GB; raise it, or end runs');
    state.exceeded = bytes > budgetBytes;
    return known.filter((copy) => !removed.has(copy));
  }

  async function trim(): Promise<void> {
    const known = await look();
    if (ended.signal.aborted) return;
    const left = await removeUntilItFits(known);
    const memory: Memory = Object.fromEntries(left.map(({ name, usedAtMs, bytes, measuredAtMs }) => [name, { usedAtMs, bytes, measuredAtMs }]));
    if (JSON.stringify(memory) === JSON.stringify(state.memory)) return;
    const fresh = path.join(folder, `${MEMORY_FILE}.${newId<string>()}`);
    await writeFile(fresh, JSON.stringify(memory));
    await rename(fresh, path.join(folder, MEMORY_FILE));
    state.memory = memory;
  }

  return {
    async holding(work) {
      const held = { since: (state.order += 1) };
      holds.add(held);
      try {
        return await work();
      } finally {
        holds.delete(held);
      }
    },
    use: (place) => void uses.set(place, { order: (state.order += 1), atMs: clock.now().getTime() }),
    close: () => ended.abort(),
    keepWithinBudget: () => (state.running ??= trim().finally(() => (state.running = null))),
  };
}

const total = (copies: readonly { readonly bytes: number }[]): number => copies.reduce((sum, { bytes }) => sum + bytes, 0);

/** What was known of each copy when somebody last looked. Empty when nobody has, or when the file cannot be read: all is measured again then. */
export async function readCopiesMemory(folder: string): Promise<Memory> {
  const text = await readFile(path.join(folder, MEMORY_FILE), 'utf8').catch(() => '{}');
  try {
    return Memory.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
