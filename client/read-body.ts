import { connectionError } from './connection-errors.ts';

/** The bytes of a response as they come; a connection cut in the middle throws a `ConnectionError`. */
export async function* readBody(response: Response, server: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw connectionError(error, server);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
