import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ConnectionError, connectionError, UnexpectedAnswer } from './connection-errors.ts';

/**
 * A stream that is silent for this long is taken for dead (a sleeping laptop, a cut cable) and opened anew. Servers send
 * a comment more often than that, and opening anew costs nothing because streams resume.
 */
const SILENCE_LIMIT_MS = 60_000;
/** One event is at most this large; the server's batches are far smaller. */
const EVENT_CHARACTERS_LIMIT = 16 * 1024 * 1024;

/** Yielded for a comment: the stream works although nothing happens. */
const SIGN_OF_LIFE = 'sign-of-life';

/** The events of one response until its end. A stream cut off in the middle throws a `ConnectionError`. */
export async function* readEvents(response: Response, server: string, signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('text/event-stream') || response.body === null) {
    await response.body?.cancel();
    throw new UnexpectedAnswer(
      `${server} answered with ${type || 'no content type'} where an event stream was expected. Is there a proxy in between?`,
      response.status,
    );
  }
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => arrived.push(event),
    onComment: () => arrived.push({ event: SIGN_OF_LIFE, data: '' }),
    maxBufferSize: EVENT_CHARACTERS_LIMIT,
  });
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await readOrThrow(reader, server, signal);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    // Also when the consumer leaves early: an open stream would keep the connection, and the process, alive.
    await reader.cancel().catch(() => undefined);
  }
}

async function readOrThrow(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  server: string,
  signal: AbortSignal,
): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ConnectionError(`${server} has been silent for too long. Try again.`, true, null)), SILENCE_LIMIT_MS);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    if (signal.aborted || error instanceof ConnectionError) throw error;
    throw connectionError(error, server);
  } finally {
    clearTimeout(timer);
  }
}
