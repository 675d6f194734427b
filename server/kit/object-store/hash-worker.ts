import { type AddressToDigest, digestAddress } from '#kit/object-store/digest-address.ts';
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

/**
 * A thread that digests files, also files that are still growing: `follow` says how far a file may be read, `finish` asks
 * for the digest of the whole. `fetch` digests what is at an address instead. Imports little but Node, so that it is a small
 * bundle of its own.
 */

export type HashRequest =
  | { readonly kind: 'follow'; readonly key: string; readonly file: string; readonly upTo: number }
  | { readonly kind: 'finish'; readonly key: string; readonly file: string; readonly size: number }
  | { readonly kind: 'fetch'; readonly key: string; readonly address: AddressToDigest }
  /** What was read of this file no longer holds, or nobody will ask for it. */
  | { readonly kind: 'drop'; readonly key: string };

export type HashAnswer = { readonly key: string; readonly digest: string } | { readonly key: string; readonly error: string };

interface Followed {
  readonly hash: Hash;
  done: number;
  upTo: number;
  file: string;
  finish: boolean;
}

/** At 250 to 2,000 MB/s a turn takes a few milliseconds, then another file has one. */
const TURN_BYTES = 1024 * 1024;
const buffer = Buffer.allocUnsafe(TURN_BYTES);
const followed = new Map<string, Followed>();
/** Keys with something left to read, in turn. */
const waiting: string[] = [];
const port = parentPort;
if (!port) throw new Error('This file is a worker thread');

port.on('message', (request: HashRequest) => {
  if (request.kind === 'drop') return void followed.delete(request.key);
  if (request.kind === 'fetch') return void answerFetch(request.key, request.address);
  const state = followed.get(request.key) ?? { hash: createHash('sha256'), done: 0, upTo: 0, file: request.file, finish: false };
  followed.set(request.key, state);
  state.file = request.file;
  state.upTo = Math.max(state.upTo, request.kind === 'follow' ? request.upTo : request.size);
  state.finish ||= request.kind === 'finish';
  if (!waiting.includes(request.key)) waiting.push(request.key);
  if (waiting.length === 1) setImmediate(takeTurn);
});

async function answerFetch(key: string, address: AddressToDigest): Promise<void> {
  try {
    port?.postMessage({ key, digest: await digestAddress(address) } satisfies HashAnswer);
  } catch (error) {
    port?.postMessage({ key, error: error instanceof Error ? error.message : String(error) } satisfies HashAnswer);
  }
}

function takeTurn(): void {
  const key = waiting.shift();
  const state = key === undefined ? undefined : followed.get(key);
  if (key !== undefined && state) {
    try {
      readSome(state);
      if (state.done < state.upTo) waiting.push(key);
      else if (state.finish) settle(key, { key, digest: `sha256:${state.hash.digest('hex')}` });
    } catch (error) {
      settle(key, { key, error: error instanceof Error ? error.message : String(error) });
    }
  }
  if (waiting.length > 0) setImmediate(takeTurn);
}

function settle(key: string, answer: HashAnswer): void {
  // A follow that failed is forgotten in silence: `finish` will begin from the start, and tell.
  if (followed.get(key)?.finish) port?.postMessage(answer);
  followed.delete(key);
}

function readSome(state: Followed): void {
  if (state.done >= state.upTo) return;
  // Opened for each turn: a followed upload may wait for days, and thousands of them would use up the file handles.
  const file = openSync(state.file, 'r');
  try {
    const read = readSync(file, buffer, 0, Math.min(TURN_BYTES, state.upTo - state.done), state.done);
    if (read === 0) throw new Error(`The file ends at ${state.done} of ${state.upTo} bytes`);
    state.hash.update(buffer.subarray(0, read));
    state.done += read;
  } finally {
    closeSync(file);
  }
}
