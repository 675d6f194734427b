import { cameThroughJobDoor } from '#kit/http/job-door.ts';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Further host names on the one port, behind which there is something else than the platform. */
export interface OtherHosts {
  /** Whether a name, in whatever form a request may write it, is one of these. */
  owns(host: string): boolean;
  serve(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * One listener, told apart by host before anything else is looked at: what is asked of the other hosts never reaches the
 * platform's handler, whatever its path, and what is asked of the platform never reaches them. A request that names several
 * hosts goes to the others when any of them is theirs; they refuse it.
 */
export function makeServerByHost(
  platform: RequestListener,
  others: OtherHosts,
  bounds: { readonly keepAliveTimeout?: number | undefined; readonly requestTimeout?: number | undefined },
): Server {
  const isTheirs = (request: IncomingMessage): boolean => hostsOf(request).some((host) => others.owns(host));
  const server = createServer((request, response) => {
    if (isTheirs(request)) others.serve(request, response);
    else platform(request, response);
  });
  if (bounds.keepAliveTimeout !== undefined) server.keepAliveTimeout = bounds.keepAliveTimeout;
  if (bounds.requestTimeout !== undefined) server.requestTimeout = bounds.requestTimeout;
  server.on('upgrade', (request, socket, head) => {
    if (!cameThroughJobDoor(request) && isTheirs(request)) others.upgrade(request, socket, head);
    else ignoreUpgrade(request, socket as Socket & { server: Server }, head);
  });
  return server;
}

/** Every name by which a request calls its server: the header Host, of which there may be several, and that of an absolute address. */
export function hostsOf(request: IncomingMessage): readonly string[] {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)/i.exec(request.url ?? '')?.[1];
  const named = request.headersDistinct['host'] ?? [];
  return absolute === undefined ? named : [...named, absolute];
}

/**
 * The platform takes no upgrades and answers as if none had been asked for, as HTTP has it; programs ask for HTTP/2 that way
 * with any request. Node has handed over the bare socket by now, so the request is put back without the wish and read anew, by
 * the server whose socket it is: the door for jobs marks it again.
 */
function ignoreUpgrade(request: IncomingMessage, socket: Socket & { readonly server: Server }, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2);
    if (name.toLowerCase() === 'connection') {
      const rest = value.split(',').filter((token) => token.trim().toLowerCase() !== 'upgrade');
      if (rest.length > 0) lines.push(`${name}: ${rest.join(',').trim()}`);
    } else if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  // Reading anew begins with listeners of its own; of the earlier ones Node leaves this.
  socket.removeAllListeners('timeout');
  socket.server.emit('connection', socket);
}
