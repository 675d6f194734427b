import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable, type LogCheckpoint, type LogChunk } from '../executor.ts';
import { hasEverStarted } from './container-exit.ts';
import { asUnreachable, type EngineClient, statusOf } from './docker-client.ts';
import { makeFrameParser } from './log-frames.ts';
import { makeLogPosition } from './log-position.ts';

/** As much is handed on at once where the reader is slower than the engine. */
const BATCH_BYTES = 256 * 1024;
/** A line waits so long for others: a flood comes in hundreds of batches instead of tens of thousands. */
const GATHER_MS = 5;
const POLL_MS = 100;
/** Streams that end at once, one after the other, while the container runs: then something is wrong with the engine. */
const FRUITLESS_STREAMS = 20;
/** What the engine itself has to say in a log's stream. */
const ENGINE_STREAM = 3;

export interface FollowedLog {
  readonly engine: EngineClient;
  /** Its name. */
  readonly container: string;
  readonly from: LogCheckpoint;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Whether a container that has not been started never will be. */
  readonly willNeverStart: () => Promise<boolean>;
}

/**
 * Everything the job wrote from a checkpoint on, ending when the container has ended and all of it was read, or when it is
 * removed. A stream that the engine breaks off is taken up again where it stopped.
 * @throws {EngineUnreachable} when the engine does not come back; go on from the last checkpoint later
 */
export async function* followContainerLog({ engine, container, from, signal, clock, willNeverStart }: FollowedLog): AsyncGenerator<LogChunk> {
  let checkpoint = from;
  let fruitless = 0;
  while (!signal.aborted) {
    const seen = await inspectOrNull(engine, container).catch((error: unknown) => {
      // Our own end closes the connection under the question.
      if (signal.aborted) return null;
      throw error;
    });
    if (seen === null || isBeingRemoved(seen)) return;
    if (!hasEverStarted(seen)) {
      if (await willNeverStart()) return;
      await clock.sleep(POLL_MS, signal);
      continue;
    }
    const follow = seen.State.Running;
    const before = checkpoint.offset;
    let failure: unknown = null;
    try {
      for await (const chunk of readOnce(engine, container, checkpoint, follow, signal)) {
        checkpoint = chunk.checkpoint;
        yield chunk;
      }
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    // A container that had ended before it was read, read to its end: there is no more.
    if (!follow && failure === null) return;
    fruitless = checkpoint.offset > before ? 0 : fruitless + 1;
    if (failure !== null || fruitless > 1) await clock.sleep(POLL_MS, signal);
    if (fruitless > FRUITLESS_STREAMS) {
      throw new EngineUnreachable(`The Docker engine breaks off the log of ${container} again and again.`, { cause: failure });
    }
  }
}

/**
 * The engine gives no log of such a one any more, and one that died in the removal leaves it so until it is asked again. We
 * remove a container only when its log has been taken.
 */
const isBeingRemoved = ({ State }: Docker.ContainerInspectInfo): boolean => State.Dead || State.Status === 'removing';

const inspectOrNull = (engine: EngineClient, container: string): Promise<Docker.ContainerInspectInfo | null> =>
  engine
    .call((docker) => docker.getContainer(container).inspect())
    .catch((error: unknown) => {
      if (statusOf(error) === 404) return null;
      throw error;
    });

async function* readOnce(engine: EngineClient, container: string, from: LogCheckpoint, follow: boolean, signal: AbortSignal): AsyncGenerator<LogChunk> {
  const position = makeLogPosition(from);
  const source = await engine.call((docker) => openLog(docker, container, position.since, follow));
  const stop = (): void => void source.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let offset = from.offset;
  let batch: Buffer = Buffer.allocUnsafe(BATCH_BYTES);
  let filled = 0;
  let engineSaid = '';
  const parse = makeFrameParser((entry) => {
    const start = entry.stampEnd + 1;
    if (entry.stream === ENGINE_STREAM) {
      engineSaid = entry.bytes.toString('utf8', entry.stampStart, entry.end);
      return;
    }
    if (!position.take(entry)) return;
    const length = entry.end - start;
    if (filled + length > batch.length) batch = Buffer.concat([batch.subarray(0, filled), Buffer.allocUnsafe(Math.max(batch.length, length))]);
    entry.bytes.copy(batch, filled, start, entry.end);
    filled += length;
  });
  // The engine sends every line by itself: a stream in between, or an await per line, would cost more than the rest.
  let isOver = false;
  let failure: Error | null = null;
  let wake: (() => void) | null = null;
  const tell = (): void => {
    if (wake) setTimeout(wake, filled < BATCH_BYTES && !isOver ? GATHER_MS : 0);
    wake = null;
  };
  const finish = (error: Error | null): void => {
    if (isOver) return;
    isOver = true;
    failure = error;
    tell();
  };
  source.on('data', (piece: Buffer) => {
    try {
      parse(piece);
      if (engineSaid !== '') throw new Error(`The Docker engine cannot read the log of ${container}: ${engineSaid}`);
    } catch (error) {
      finish(error as Error);
      source.destroy();
    }
    if (filled >= BATCH_BYTES) source.pause();
    if (filled > 0) tell();
  });
  source.once('end', () => finish(null));
  source.once('error', finish);
  source.once('close', () => finish(new Error('aborted')));
  try {
    while (filled > 0 || !isOver) {
      if (filled === 0) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      // The reader may keep what it is given; a copy of its size, because most batches are smaller than the buffer.
      const bytes = Buffer.from(batch.subarray(0, filled));
      offset += filled;
      filled = 0;
      const chunk = { bytes, checkpoint: position.checkpoint(offset) };
      source.resume();
      yield chunk;
    }
    if (failure !== null) throw failure as Error;
  } catch (error) {
    throw asUnreachable(error, engine.host);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

type LogSource = Readable;

/** By the library's ground floor: its `logs` gives a stream only to followers, and gathers everything in memory otherwise. */
const openLog = (docker: Docker, container: string, since: number, follow: boolean): Promise<LogSource> =>
  new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${container}/logs?`,
        method: 'GET',
        options: { stdout: true, stderr: true, timestamps: true, since, follow },
        isStream: true,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      },
      (error, stream) => (error ? reject(error as Error) : resolve(stream as LogSource)),
    );
  });
