import { SECURITY_HEADERS } from '#kit/http/security-headers.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A reader that lets this much pile up is cut off; it comes back with Last-Event-ID and goes on where it was. */
const SLOW_READER_BYTES = 8 * 1024 * 1024;
/** Proxies close silent connections, often after 60 s. */
const KEEP_ALIVE_MS = 20_000;

export interface EventStream {
  /** Aborts when the reader has gone, or was cut off. */
  readonly signal: AbortSignal;
  /** Resolves once the event is handed on and the reader can take more. */
  send(event: string, data: unknown, id?: string): Promise<void>;
  end(): void;
}

/** Answers a request with server-sent events. */
export function openEventStream(request: FastifyRequest, reply: FastifyReply): EventStream {
  const gone = new AbortController();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    ...SECURITY_HEADERS,
  });
  // Whoever asks for the head alone has it all: left open, the connection would serve nothing else any more.
  if (request.method === 'HEAD') {
    raw.end();
    return { signal: AbortSignal.abort(), send: async () => {}, end: () => {} };
  }
  raw.write(': open\n\n');
  const keepAlive = setInterval(() => raw.write(': alive\n\n'), KEEP_ALIVE_MS);
  const close = (): void => {
    clearInterval(keepAlive);
    gone.abort();
  };
  raw.on('close', close);
  raw.on('error', close);
  request.raw.on('aborted', close);
  return {
    signal: gone.signal,
    async send(event, data, id) {
      if (gone.signal.aborted) return;
      const free = raw.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
      if (raw.writableLength > SLOW_READER_BYTES) return void raw.destroy();
      if (!free) await drained(raw, gone.signal);
    },
    end() {
      raw.end();
    },
  };
}

function drained(raw: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      raw.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    raw.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
