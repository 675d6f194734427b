import { type Executor, isEngineUnreachable, type LogCheckpoint } from '#executors/executor.ts';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/**
 * Brings the logs of attempts whose engine keeps them into files of ours. The engine's log is the truth until the attempt
 * is removed; the file follows it, with a checkpoint beside it. After a death of the server the file is cut to the last
 * checkpoint and goes on from there, so that no byte is lost or doubled. Each attempt has at most one follower here, and
 * only the server that has claimed its run follows it.
 */
export interface LogFollowers {
  /** Begins to follow the log of an attempt, unless that is under way. */
  follow(attempt: string, executor: Executor, handle: unknown, file: string): void;
  /**
   * Waits until all that the attempt, which has ended, wrote is in the file.
   * @returns false when it was let go or closed before
   */
  complete(attempt: string, executor: Executor, handle: unknown, file: string): Promise<boolean>;
  /** The claim is lost or the run has ended: nothing more is written for it by this server. */
  letGo(attempt: string): void;
  close(): Promise<void>;
}

/** After a death this much is read again at most; a checkpoint costs a sync of the file. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const CHECKPOINT_MS = 1_000;
const ENGINE_RETRY_MS = 1_000;
const TROUBLE_RETRY_MS = 5_000;
/** An engine that answers, and every time in a way that is no log, must not keep a run from ending. */
const TROUBLES_LIMIT = 10;
/**
 * An engine that was restarted under a job may keep the stream of its log open though the job has ended. After so long
 * without a byte the rest is read anew, and with twice the patience each time: a long log may be slow to begin.
 */
const STILL_MS = 10_000;

const Checkpoint = z.object({ offset: z.number().int().min(0), engineTime: z.string().nullable(), entriesAtTime: z.number().int().min(0) });
const BEGINNING: LogCheckpoint = { offset: 0, engineTime: null, entriesAtTime: 0 };

interface Follower {
  readonly stop: AbortController;
  /** Resolves when the engine has no more, or the follower was stopped. */
  readonly ended: Promise<void>;
  readonly state: { complete: boolean; chunks: number; pass: AbortController };
}

export function makeLogFollowers(parts: { readonly clock: Clock; readonly log: Log }): LogFollowers {
  const { clock, log } = parts;
  const followers = new Map<string, Follower>();
  /** Those let go that may still be writing: the next one of the attempt waits for them. */
  const leaving = new Map<string, Promise<void>>();

  const start = (attempt: string, executor: Executor, handle: unknown, file: string): Follower => {
    const stop = new AbortController();
    const state = { complete: false, chunks: 0, pass: new AbortController() };
    const work = async (): Promise<void> => {
      await leaving.get(attempt);
      let troubles = 0;
      while (!stop.signal.aborted && !state.complete) {
        try {
          state.pass = new AbortController();
          const signal = AbortSignal.any([stop.signal, state.pass.signal]);
          state.complete = await followOnce({ executor, handle, file, clock, signal, onChunk: () => (state.chunks += 1) });
        } catch (error) {
          if (stop.signal.aborted) return;
          const passing = isEngineUnreachable(error) || (error as NodeJS.ErrnoException).code === 'ENOSPC';
          if (!passing) troubles += 1;
          const message = troubles < TROUBLES_LIMIT ? 'a log cannot be followed now; it goes on from its last checkpoint' : 'the rest of a log is given up';
          log.warn({ err: error, attempt, executor: executor.id, troubles }, message);
          if (troubles >= TROUBLES_LIMIT) state.complete = true;
          else await clock.sleep(passing ? ENGINE_RETRY_MS : TROUBLE_RETRY_MS, stop.signal);
        }
      }
    };
    const follower: Follower = { stop, ended: work(), state };
    followers.set(attempt, follower);
    return follower;
  };
  /** @returns false when there was neither an end nor a byte for so long */
  const endsOrMoves = async (ended: Promise<void>, state: Follower['state'], patienceMs: number): Promise<boolean> => {
    for (;;) {
      const before = state.chunks;
      const over = new AbortController();
      const isOver = await Promise.race([ended.then(() => true), clock.sleep(patienceMs, over.signal).then(() => false)]);
      over.abort();
      if (isOver) return true;
      if (state.chunks === before) return false;
    }
  };
  const find = (attempt: string, executor: Executor, handle: unknown, file: string): Follower =>
    followers.get(attempt) ?? start(attempt, executor, handle, file);

  return {
    follow(attempt, executor, handle, file) {
      if (executor.followLog) find(attempt, executor, handle, file);
    },
    async complete(attempt, executor, handle, file) {
      if (!executor.followLog) return true;
      const { ended, state } = find(attempt, executor, handle, file);
      for (let patienceMs = STILL_MS; !(await endsOrMoves(ended, state, patienceMs)); patienceMs *= 2) {
        log.warn({ attempt, executor: executor.id }, 'the engine does not end the log of a job that has ended; the rest is read anew');
        state.pass.abort();
      }
      await ended;
      return state.complete;
    },
    letGo(attempt) {
      const follower = followers.get(attempt);
      if (follower === undefined) return;
      followers.delete(attempt);
      follower.stop.abort();
      const left = follower.ended.finally(() => {
        if (leaving.get(attempt) === left) leaving.delete(attempt);
      });
      leaving.set(attempt, left);
    },
    async close() {
      for (const { stop } of followers.values()) stop.abort();
      await Promise.all([...[...followers.values()].map(({ ended }) => ended), ...leaving.values()]);
      followers.clear();
    },
  };
}

interface FollowedLog<Handle> {
  readonly executor: Executor<Handle>;
  readonly handle: unknown;
  readonly file: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onChunk: () => void;
}

/** Follows from the last checkpoint until the engine has no more. @returns whether it came to the end */
async function followOnce<Handle>({ executor, handle, file, clock, signal, onChunk }: FollowedLog<Handle>): Promise<boolean> {
  const from = await readCheckpoint(file);
  await mkdir(path.dirname(file), { recursive: true });
  const log = await open(file, 'r+').catch(() => open(file, 'w+', 0o644));
  try {
    // The file may be shorter than the checkpoint says only when somebody has cut it: then it begins again.
    const start = (await log.stat()).size < from.offset ? BEGINNING : from;
    await log.truncate(start.offset);
    const at = { checkpoint: start, saved: start.offset, savedAt: clock.now().getTime() };
    const save = async (): Promise<void> => {
      if (at.saved === at.checkpoint.offset) return;
      await log.datasync();
      await writeCheckpoint(file, at.checkpoint);
      at.saved = at.checkpoint.offset;
      at.savedAt = clock.now().getTime();
    };
    try {
      for await (const { bytes, checkpoint } of executor.followLog?.(executor.handleSchema.parse(handle), start, signal) ?? []) {
        await writeAll(log, bytes, at.checkpoint.offset);
        at.checkpoint = checkpoint;
        onChunk();
        const due = at.checkpoint.offset - at.saved >= CHECKPOINT_BYTES || clock.now().getTime() - at.savedAt >= CHECKPOINT_MS;
        if (due) await save();
        if (signal.aborted) break;
      }
    } finally {
      await save();
    }
    return !signal.aborted;
  } finally {
    await log.close();
  }
}

async function writeAll(log: Awaited<ReturnType<typeof open>>, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await log.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

const checkpointFile = (file: string): string => `${file}.checkpoint`;

async function readCheckpoint(file: string): Promise<LogCheckpoint> {
  const text = await readFile(checkpointFile(file), 'utf8').catch(() => null);
  if (text === null) return BEGINNING;
  try {
    return Checkpoint.parse(JSON.parse(text));
  } catch {
    // Cut off by a crash of the machine: the whole log is read again.
    return BEGINNING;
  }
}

/** Put in place by a rename: after a crash the old one or the new one is there. */
async function writeCheckpoint(file: string, checkpoint: LogCheckpoint): Promise<void> {
  const fresh = `${checkpointFile(file)}.new`;
  await writeFile(fresh, JSON.stringify(checkpoint));
  await rename(fresh, checkpointFile(file));
}
