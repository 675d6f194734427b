import type { Access } from '#kit/http/access.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { JobDoorRule } from '@sodate/contract/route.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent on whatever is no route of the contract: the door for jobs does not serve that. */
    jobDoor?: JobDoorRule;
  }
}

/**
 * The platform's door for jobs: the same app behind a second listener, on addresses that come and go with the tenants'
 * networks. It knows a request by the socket it came on, and serves it only as far as its route's `jobDoor` says: an
 * attempt's token, a signed address, health. A person's credential opens nothing here, however good it is, so that what a
 * job steals or is given by mistake cannot be used from inside.
 */
export interface JobDoor {
  readonly port: number;
  /** Begins to serve, once every route of the app is bound: at addresses asked for before, and from now on at each at once. */
  serve(app: FastifyInstance): Promise<void>;
  /**
   * Idempotent. Resolves when the door answers there; before `serve` the address is only noted.
   * @throws Error that names the address, such as one that is on no interface of this machine yet: ask again later
   */
  listenOn(address: string): Promise<void>;
  /** Ends the door at this address and what is connected to it. Idempotent. */
  leave(address: string): Promise<void>;
  /** Ends all of it. Nothing can listen afterwards. */
  close(): Promise<void>;
}

/** Each tenant's network has an address of its own, and so each tenant a limit of its own: a flood takes none of the others' connections. */
const CONNECTIONS_PER_ADDRESS_LIMIT = 1024;

/** On the request object itself, where no header reaches. */
const CAME_THROUGH = Symbol('came through the door for jobs');

export const cameThroughJobDoor = (request: IncomingMessage): boolean => CAME_THROUGH in request;

/**
 * Refuses what the door does not serve, before anything of the body is read. Deny by default: a route that declares
 * nothing, such as a page or the description, is not there.
 */
export function guardJobDoor(access: Access) {
  return async (request: FastifyRequest): Promise<void> => {
    if (!cameThroughJobDoor(request.raw)) return;
    const rule = request.routeOptions.config.jobDoor ?? 'closed';
    if (rule === 'open') return;
    if (rule === 'closed') throw new SodateError('route-not-found', { method: request.method, path: request.url.split('?')[0] ?? '' });
    // The cookie is not even looked at: only people have one.
    const caller = await access.identify({ authorization: request.headers.authorization, sessionCookie: undefined });
    if (caller === null || caller.attempt === null) throw new SodateError('jobs-only');
  };
}

/**
 * @param parts.port the one on which the door listens at each address; must differ from the main listener's, which may
 *   hold all addresses of the machine
 */
export function makeJobDoor(parts: { readonly port: number; readonly connectionsPerAddress?: number }): JobDoor {
  const { port } = parts;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`The door for jobs needs one fixed port from 1 to 65535, not ${port}: jobs are told of it`);
  const servers = new Map<string, Promise<Server>>();
  const noted = new Set<string>();
  const state: { app: FastifyInstance | null; closed: boolean } = { app: null, closed: false };

  function makeServer(app: FastifyInstance): Server {
    // Everything that bounds a request on the main listener bounds it here.
    const { headersTimeout, requestTimeout, keepAliveTimeout, maxHeadersCount, maxRequestsPerSocket, timeout } = app.server;
    const server = createServer({ headersTimeout, requestTimeout, keepAliveTimeout });
    Object.assign(server, { maxHeadersCount, maxRequestsPerSocket, timeout });
    server.maxConnections = parts.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_LIMIT;
    server.on('request', (request, response) => app.routing(mark(request), response));
    // With a listener here Node hands over the bare socket, so there is one only where the main listener has one too.
    // Whoever listens there asks `cameThroughJobDoor`, or routes the upgrade through the app, whose hook does.
    if (app.server.listenerCount('upgrade') > 0)
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void app.server.emit('upgrade', mark(request), socket, head));
    if (app.server.listenerCount('clientError') > 0) server.on('clientError', (error, socket) => void app.server.emit('clientError', error, socket));
    return server;
  }

  async function open(app: FastifyInstance, address: string): Promise<Server> {
    await app.ready();
    const server = makeServer(app);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    }).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`The door for jobs cannot listen on ${address}:${port}: ${REASONS[error.code ?? ''] ?? error.message}`, { cause: error });
    });
    server.on('error', (error) => app.log.error({ err: error, address }, 'door for jobs'));
    return server;
  }

  async function listenOn(app: FastifyInstance, address: string): Promise<void> {
    const opening = servers.get(address) ?? open(app, address);
    servers.set(address, opening);
    try {
      await opening;
    } catch (error) {
      if (servers.get(address) === opening) servers.delete(address);
      throw error;
    }
  }

  async function leave(address: string): Promise<void> {
    noted.delete(address);
    const opening = servers.get(address);
    servers.delete(address);
    const server = await opening?.catch(() => undefined);
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  return {
    port,
    async serve(app) {
      state.app = app;
      await app.ready();
      const opened = [...noted].map((address) =>
        // Whoever wants the door there asks again and again, and is told then.
        listenOn(app, address).catch((error: unknown) => app.log.warn({ err: error, address }, 'the door for jobs is not open here yet')),
      );
      noted.clear();
      await Promise.all(opened);
    },
    async listenOn(address) {
      if (state.closed) throw new Error(`The door for jobs is closed, and does not listen on ${address} any more`);
      if (state.app === null) noted.add(address);
      else await listenOn(state.app, address);
    },
    leave,
    async close() {
      state.closed = true;
      noted.clear();
      await Promise.all([...servers.keys()].map(leave));
    },
  };
}

const mark = (request: IncomingMessage): IncomingMessage => Object.defineProperty(request, CAME_THROUGH, { value: true });

const REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'no interface of this machine has that address (yet)',
  EADDRINUSE: 'something else listens there. Choose another port for jobs, one that the main listener does not use either',
  EACCES: 'this user may not listen on that port. Choose one above 1023',
};
