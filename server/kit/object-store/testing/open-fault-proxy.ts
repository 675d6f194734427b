import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * What to do with a request instead of passing it on: answer it, cut it off before or after it has been passed on, never
 * answer, or let only so many bytes of the answer through. null = pass it on.
 */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  | { readonly kind: 'cut' }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'cut-answer' | 'hang-answer'; readonly after: number }
  | { readonly kind: 'garbage' }
  | null;

export interface FaultProxy {
  readonly url: string;
  /** Method and address of each request that came, in order. */
  readonly asked: readonly string[];
  /** Asked of each request; the count is of the requests so far. */
  fault: (request: IncomingMessage, count: number) => Fault;
  close(): Promise<void>;
}

/** A server in front of an S3 server, through which requests go wrong. Keeps the Host header, which is signed. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const asked: string[] = [];
  const hanging = new Set<ServerResponse>();
  const proxy = {
    fault: (() => null) as FaultProxy['fault'],
  };
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const fault = proxy.fault(request, asked.length);
    request.on('error', () => {});
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/xml' });
      return void response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>as asked for</Message></Error>`);
    }
    if (fault?.kind === 'garbage') {
      request.resume();
      return void response.end('<!doctype html><title>Welcome to nginx!</title>');
    }
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'hang') {
      request.resume();
      return void hanging.add(response);
    }
    const onward = http.request(target, { method: request.method, path: request.url, headers: request.headers, agent: false }, (answer) => {
      if (fault?.kind === 'lose-answer') {
        answer.resume();
        answer.on('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault === null) return void answer.pipe(response);
      let left = fault.after;
      answer.on('data', (piece: Buffer) => {
        if (left <= 0) return;
        response.write(piece.subarray(0, left));
        left -= piece.length;
        if (left > 0) return;
        if (fault.kind === 'cut-answer') setImmediate(() => request.socket.destroy());
        else hanging.add(response);
      });
      answer.on('end', () => left > 0 && response.end());
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    asked,
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
