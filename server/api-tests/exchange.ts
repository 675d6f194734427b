import { request } from 'node:http';

/** A request as it goes on the wire: nothing is normalised, so that paths and headers arrive as they are written here. */
export interface RequestParts {
  readonly method: string;
  /** With its query, not resolved: `/v1/../x` is sent like this. */
  readonly path: string;
  /** Anything is sent as JSON; bytes are sent as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The parsed JSON, or undefined. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** An answer of server-sent events is cut off after its head. */
export function exchange(server: string, parts: RequestParts): Promise<Answer> {
  const { hostname, port } = new URL(server);
  const raw = parts.body instanceof Uint8Array;
  const payload = parts.body === undefined ? null : raw ? Buffer.from(parts.body as Uint8Array) : Buffer.from(JSON.stringify(parts.body));
  const headers = {
    ...(payload === null ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json', 'content-length': String(payload.length) }),
    ...parts.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method: parts.method, path: parts.path, headers: headers as Record<string, string>, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      const done = (): void => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          text,
          body: response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text || 'null') : undefined,
        });
      };
      if (response.headers['content-type']?.startsWith('text/event-stream')) {
        done();
        return void sent.destroy();
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', done);
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(payload ?? undefined);
  });
}
