import type Docker from 'dockerode';
import { expect, it } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import type { LogChunk } from '../executor.ts';
import type { EngineClient } from './docker-client.ts';
import { LOG_BEGINNING } from './docker-harness.ts';
import { followContainerLog } from './follow-log.ts';

/** An engine that was killed in a removal cannot be made at will; this is what it answers afterwards. */
it.each(['dead', 'removing'])('the log of a container that is %s is at its end, and the engine is not asked for it', async (Status) => {
  const State = { Status, Dead: Status === 'dead', Running: false, StartedAt: '2030-01-01T00:00:00Z', FinishedAt: '2030-01-01T00:00:01Z' };
  let asked = 0;
  const docker = {
    getContainer: () => ({ inspect: async () => ({ State }) }),
    modem: {
      dial(_options: object, done: (error: Error) => void) {
        asked += 1;
        done(Object.assign(new Error('can not get logs from container which is dead or marked for removal'), { statusCode: 409 }));
      },
    },
  } as unknown as Docker;
  const engine: EngineClient = { docker, host: 'unix:///nowhere', call: (work) => work(docker), close: () => {} };
  const chunks: LogChunk[] = [];
  const signal = new AbortController().signal;
  for await (const chunk of followContainerLog({ engine, container: 'x', from: LOG_BEGINNING, signal, clock: systemClock, willNeverStart: async () => false }))
    chunks.push(chunk);
  expect({ chunks, asked }).toEqual({ chunks: [], asked: 0 });
});
