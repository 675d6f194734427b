import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** A program as a job may run one: HTTP and WebSocket. What it was asked is kept, as it arrived. */
export interface StandInUpstream {
  readonly port: number;
  readonly asked: readonly IncomingMessage[];
  /** Bare connections that it has now. */
  connections(): number;
  close(): Promise<void>;
}

export async function startStandInUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  listenAt: { readonly socketPath: string } | { readonly host: string } = { host: '127.0.0.1' },
): Promise<StandInUpstream> {
  const asked: IncomingMessage[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.on('upgrade', (request, socket) => {
    asked.push(request);
    if (request.url === '/refused') return void socket.end('HTTP/1.1 418 No\r\nContent-Length: 4\r\nX-Why: tea\r\n\r\nnope');
    if (request.url === '/silent') return;
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write(textFrame('hello'));
    socket.on('data', (frame: Buffer) => {
      for (const text of readFrames(frame)) socket.write(textFrame(`echo ${text}`));
    });
    socket.on('end', () => socket.end());
  });
  if ('socketPath' in listenAt) server.listen(listenAt.socketPath);
  else server.listen(0, listenAt.host);
  await once(server, 'listening');
  return {
    port: 'socketPath' in listenAt ? 0 : (server.address() as AddressInfo).port,
    asked,
    connections: () => sockets.size,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One short text as a WebSocket frame; masked as a browser's when a mask is given. */
export function textFrame(text: string, mask?: Buffer): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 125) throw new Error('Only short texts');
  if (mask === undefined) return Buffer.concat([Buffer.from([0x81, bytes.length]), bytes]);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), mask, bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** The texts of whole short frames. */
export function readFrames(bytes: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const masked = ((bytes[at + 1] ?? 0) & 0x80) !== 0;
    const length = (bytes[at + 1] ?? 0) & 0x7f;
    const begin = at + (masked ? 6 : 2);
    const mask = masked ? bytes.subarray(at + 2, at + 6) : Buffer.alloc(4);
    texts.push(Buffer.from(bytes.subarray(begin, begin + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString());
    at = begin + length;
  }
  return texts;
}
