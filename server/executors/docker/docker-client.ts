import { Agent } from 'node:http';
import Docker from 'dockerode';
import { EngineUnreachable } from '../executor.ts';

/** The engine, with one meaning for "it does not answer". */
export interface EngineClient {
  readonly docker: Docker;
  readonly host: string;
  /**
   * Runs one call with a limit in milliseconds: an engine that hangs must not hang the server.
   * @throws {EngineUnreachable} when the engine does not answer, or has no space left on its disk
   */
  call<T>(work: (docker: Docker) => Promise<T>, limitMs?: number): Promise<T>;
  close(): void;
}

export type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const DEFAULT_PORT = 2375;
/** A start on a machine under load takes seconds; a minute says that something is wrong. */
const CALL_LIMIT_MS = 60_000;

/** Only this machine's engine will do, because what a container mounts are this machine's folders. */
export function parseEngineHost(host: string): EngineAddress {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url?.protocol === 'tcp:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname) && /^\/?$/.test(url.pathname)) {
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
  }
  throw new Error(
    `The Docker engine's address ${JSON.stringify(host)} cannot be used: give unix:///path/of/docker.sock, or tcp://127.0.0.1:port. ` +
      'The engine must be on this machine, since its containers mount folders of this machine.',
  );
}

const UNANSWERED = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTSOCK', 'ECONNABORTED', 'EAGAIN', 'ENOTDIR']);
const NO_SPACE = /no space left on device|disk quota exceeded|too many open files|cannot allocate memory/i;

export const statusOf = (error: unknown): number | null => {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : null;
};

/** What the engine itself said, without the client's frame around it. */
export const messageOf = (error: unknown): string => {
  const said = (error as { json?: { message?: unknown } } | null)?.json?.message;
  return typeof said === 'string' ? said : error instanceof Error ? error.message.trim() : String(error);
};

/** The error as the port knows it: unreachable, or as it was. */
export function asUnreachable(error: unknown, host: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const message = messageOf(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new EngineUnreachable(`The Docker engine at ${host} may not be used by this user: let the server's user join the group of that socket.`, {
      cause: error,
    });
  }
  if ((code !== undefined && UNANSWERED.has(code)) || message === 'socket hang up' || message === 'aborted') {
    return new EngineUnreachable(`The Docker engine at ${host} does not answer: ${message}`, { cause: error });
  }
  const status = statusOf(error);
  if (status === 503 || (status !== null && status >= 500 && NO_SPACE.test(message))) {
    return new EngineUnreachable(`The Docker engine at ${host} cannot work now: ${message}`, { cause: error });
  }
  return error;
}

export function openEngine(host: string): EngineClient {
  const address = parseEngineHost(host);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });
  // Everything is said, also what is not there: the library takes what is missing from DOCKER_… of the server's environment.
  const nothing = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    pathPrefix: '/',
    timeout: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const docker = new Docker({ ...nothing, ...address, protocol: 'http', agent } as unknown as Docker.DockerOptions);
  return {
    docker,
    host,
    async call(work, limitMs = CALL_LIMIT_MS) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new EngineUnreachable(`The Docker engine at ${host} has not answered for ${limitMs / 1000} s.`)), limitMs);
      });
      try {
        return await Promise.race([work(docker), late]);
      } catch (error) {
        throw asUnreachable(error, host);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.destroy(),
  };
}
