import { DEFAULT_GIT_SEARCH_PATH } from '#git/run-git.ts';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** For tests: git's own HTTP server behind Basic sign-in, on loopback; over TLS with a certificate. */
export interface HttpGit {
  /** `http://127.0.0.1:PORT`, or `https://…` */
  readonly url: string;
  /** User → password. Whoever is in it may read all that `isOpen` does not open. */
  readonly passwords: Map<string, string>;
  /** What was asked so far, and as whom. */
  readonly asked: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[];
  /** What else it serves, before git is asked; true when it has answered. */
  readonly before: { handle?: (request: IncomingMessage, response: ServerResponse) => boolean };
  /** Bytes that git sent. */
  readonly sent: { bytes: number };
  close(): Promise<void>;
}

const backend = (): string | null => {
  try {
    const file = path.join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
};

export const hasHttpGit = (): boolean => backend() !== null;

/** @param options.isOpen may everybody read this path? */
export async function provideHttpGit(options: {
  readonly root: string;
  readonly isOpen?: (path: string) => boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
}): Promise<HttpGit> {
  const program = backend() ?? '';
  const passwords = new Map<string, string>();
  const asked: { method: string; path: string; authorization: string | undefined }[] = [];
  const before: HttpGit['before'] = {};
  const sent = { bytes: 0 };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://any');
    const { authorization } = request.headers;
    asked.push({ method: request.method ?? '', path: `${pathname}${search}`, authorization });
    if (before.handle?.(request, response) === true) return;
    const user = readUser(authorization);
    const known = user !== null && passwords.get(user.name) === user.password;
    if (!known && (user !== null || options.isOpen?.(pathname) !== true))
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="tests"' }).end('no');
    serveGit(request, response, pathname, search);
  };
  const server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);

  function serveGit(request: IncomingMessage, response: ServerResponse, pathname: string, search: string): void {
    const child = spawn(program, [], {
      env: {
        PATH: DEFAULT_GIT_SEARCH_PATH,
        GIT_PROJECT_ROOT: options.root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
        PATH_INFO: decodeURIComponent(pathname),
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_ADDR: '127.0.0.1',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {});
    request.pipe(child.stdin);
    const held = { head: Buffer.alloc(0), open: false };
    child.stdout.on('data', (chunk: Buffer) => {
      sent.bytes += chunk.length;
      if (held.open) return void response.write(chunk);
      held.head = Buffer.concat([held.head, chunk]);
      const end = held.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      held.open = true;
      const headers = held.head
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]);
      const status = headers.find(([name]) => name === 'Status')?.[1];
      response.writeHead(
        Number(status?.slice(0, 3) ?? 200),
        headers.filter(([name]) => name !== 'Status').flatMap(([name, value]) => [name, value]),
      );
      response.write(held.head.subarray(end + 4));
    });
    child.stdout.on('end', () => response.end());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passwords,
    asked,
    before,
    sent,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readUser(authorization: string | undefined): { readonly name: string; readonly password: string } | null {
  if (authorization?.startsWith('Basic ') !== true) return null;
  const [name = '', password = ''] = Buffer.from(authorization.slice(6), 'base64').toString().split(':');
  return { name, password };
}
