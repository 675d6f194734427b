import { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { EngineClient } from './docker-client.ts';
import { LABELS } from './container-spec.ts';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const EngineEvent = z.object({ time: z.number(), Actor: z.object({ Attributes: z.record(z.string(), z.string()) }) });
const RECONNECT_MS = 1000;

/**
 * Hears of containers of this installation from the engine, and connects again whenever that ends. Hints only: the engine
 * keeps its last 256 events, so after a pause some may be missing.
 */
export async function followEvents(
  engine: EngineClient,
  installation: string,
  clock: Clock,
  signal: AbortSignal,
  hint: (attempt: AttemptId) => void,
): Promise<void> {
  let since = Math.floor(clock.now().getTime() / 1000);
  const take = (line: string): void => {
    const { data } = EngineEvent.safeParse(parseLine(line));
    if (!data) return;
    since = data.time;
    const attempt = AttemptId.safeParse(data.Actor.Attributes[LABELS.attempt]);
    if (attempt.success) hint(attempt.data);
  };
  while (!signal.aborted) {
    let stop = (): void => {};
    try {
      const stream = (await engine.call((docker) =>
        docker.getEvents({
          since,
          filters: { type: ['container'], event: ['start', 'die', 'oom', 'destroy'], label: [`${LABELS.installation}=${installation}`] },
        }),
      )) as NodeJS.ReadableStream & { destroy(): void };
      stop = () => stream.destroy();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      stream.setEncoding('utf8');
      let rest = '';
      for await (const piece of stream) {
        const lines = `${rest}${piece}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line);
      }
    } catch {
      // The engine is away, or we are ending. Whoever needs to know asks it and is told.
    } finally {
      signal.removeEventListener('abort', stop);
    }
    await clock.sleep(RECONNECT_MS, signal);
  }
}

/**
 * Whether the engine remembers to have seen the container end since its own start. One that has ended when nobody looked
 * has no such event; nor has, in time, one whose end lies 256 events back.
 */
export async function hasSeenEnd(engine: EngineClient, container: string, engineStartedAt: Date, now: Date): Promise<boolean> {
  const since = engineStartedAt.getTime() / 1000;
  // Times here are of whole milliseconds, the engine's are finer.
  const until = (now.getTime() + 1) / 1000;
  return engine.call(async (docker) => {
    const stream = await docker.getEvents({ since, until, filters: { type: ['container'], event: ['die'], container: [container] } });
    return (await text(stream as NodeJS.ReadableStream)).trim() !== '';
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
