import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { ERROR_CATALOGUE, type ErrorCode, errorText } from '@sodate/contract/errors.ts';
import { runText, runWords } from '@sodate/contract/run-words.ts';
import type { Me } from '@sodate/contract/session.ts';
import { ADA, at, CANNED_NODE, CANNED_RUNS, idOf } from './canned-runs.ts';

/**
 * The built pages and canned answers in the contract's form, for journeys in a browser. It keeps a session and one live
 * log; it checks nothing that the real server's own tests check.
 */
export interface FakeServer {
  readonly url: string;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: readonly string[];
  /** Writes to the log of the running training, and to whoever follows it. */
  write(text: string): void;
  announce(run: string): void;
  /** From now on nobody is signed in. */
  endSessions(): void;
  /** Answers nothing to API requests while true; cuts what is open. */
  cut(value: boolean): void;
  rename(run: string, name: string): void;
  stop(): Promise<void>;
}

/** What the server is to send with the pages; a page that breaks it shows in the browser's console. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const PLACED = runWords('placed');
const VANISHED = runWords('vanished');
const PASSWORD = 'correct horse';
export const FIRST_SECRET = 'one-time-secret';

export async function startFakeServer(pages: string): Promise<FakeServer> {
  const me: Me = {
    ...ADA,
    systemAdmin: false,
    hasPassword: true,
    language: null,
    tenants: [
      { id: idOf(800), name: 'vision', displayName: 'Vision team', role: 'member' },
      { id: idOf(801), name: 'speech', displayName: '音声チーム', role: 'viewer' },
    ],
  };
  let language: Me['language'] = null;
  let sessions = new Set<string>();
  let made = 0;
  let isCut = false;
  let runs = CANNED_RUNS;
  const requests: string[] = [];
  const log: Buffer[] = [];
  const readers = new Set<ServerResponse>();
  const watchers = new Set<ServerResponse>();

  const size = (): number => log.reduce((sum, piece) => sum + piece.length, 0);
  const sendLog = (response: ServerResponse, bytes: Buffer, offset: number): void => {
    for (let start = 0; start < bytes.length; start += 65_536) {
      const piece = bytes.subarray(start, start + 65_536);
      const end = offset - bytes.length + start + piece.length;
      response.write(`event: log\nid: 1:${end}\ndata: ${JSON.stringify({ attempt: 1, offset: end, bytes: piece.toString('base64') })}\n\n`);
    }
  };
  const json = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? undefined : JSON.stringify(body));
  };
  const refuse = (response: ServerResponse, code: ErrorCode, params: Record<string, string | number> = {}): void =>
    json(response, ERROR_CATALOGUE[code].status, { code, message: errorText(code, params), params, requestId: 'req-0042' });
  const events = (response: ServerResponse): void =>
    void response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write(': hello\n\n');
  const signedIn = (request: IncomingMessage): boolean => [...sessions].some((session) => (request.headers.cookie ?? '').includes(`session=${session}`));
  const openSession = (response: ServerResponse): void => {
    made += 1;
    sessions.add(`s${made}`);
    response.setHeader('set-cookie', `session=s${made}; HttpOnly; SameSite=Lax; Path=/`);
    json(response, 201, { me: { ...me, language }, token: null, expiresAt: at(1e6) });
  };

  const ofRun = (run: (typeof CANNED_RUNS)[number], rest: string, url: URL, request: IncomingMessage, response: ServerResponse): void => {
    if (rest === '' && request.method === 'DELETE') {
      runs = runs.filter((one) => one.id !== run.id);
      json(response, 204, undefined);
      return;
    }
    if (rest === '') return json(response, 200, run);
    if (rest === '/stop') {
      runs = runs.map((one) => (one.id === run.id ? { ...one, state: 'stopping' } : one));
      return json(response, 202, { ...run, state: 'stopping' });
    }
    if (rest === '/waiting') {
      const waiting = {
        reason: 'quota',
        message: 'The tenant vision may use 16 CPU and 2 GPU at once; 10 CPU and 1 GPU are in use.',
        ahead: 3,
        asked: run.resources,
        limit: { cpu: 16, memory: null, gpus: 2 },
        heldBy: ['training-12', 'inference-10', '2 runs of other tenants'],
      };
      return json(response, 200, { waiting: run.state === 'queued' ? waiting : null });
    }
    if (rest === '/attempts') {
      const attempt = (number: number, failure: unknown) => ({
        number,
        executor: 'local-process',
        node: 'node-1',
        isolation: 'sandbox',
        imageDigest: null,
        exitCode: failure === null ? run.exitCode : null,
        signal: failure === null ? null : 'SIGKILL',
        failure,
        placedAt: at(10),
        startedAt: at(12),
        endedAt: run.endedAt,
      });
      const lost = { class: 'node-lost', fault: 'platform', message: runText(VANISHED), words: VANISHED, advice: '' };
      return json(response, 200, {
        items: Array.from({ length: run.attempt }, (_, index) => attempt(index + 1, index + 1 < run.attempt ? lost : (run.failure ?? null))),
      });
    }
    if (rest === '/timeline') {
      const states = ['queued', 'starting', ...(run.startedAt === null ? [] : ['running']), ...(run.endedAt === null ? [] : ['finishing', run.state])];
      return json(response, 200, {
        items: states.map((state, index) => ({
          at: at([0, 10, 12, 198, 200][index] ?? 0),
          state,
          attempt: index === 0 ? 0 : 1,
          note: state === 'starting' ? runText(PLACED) : '',
          words: state === 'starting' ? PLACED : null,
        })),
      });
    }
    if (rest === '/outputs') {
      const path = url.searchParams.get('path');
      const known = { digest: null, below: null };
      const file = (name: string, bytes: number) => ({ name, kind: 'file', size: bytes, modifiedAt: at(150), ...known });
      const items =
        path === ''
          ? [
              { name: 'checkpoints', kind: 'folder', size: null, modifiedAt: at(140), ...known },
              file('model.json', 48_213),
              file('学習曲線.png', 1_204_551),
              file('a<b>&"c\u202egpj.exe', 12),
              { name: 'latest', kind: 'other', size: null, modifiedAt: at(140), ...known },
            ]
          : [file('epoch-10.bin', 3_000_000), file('epoch-20.bin', 3_000_000)];
      const shown = run.startedAt === null ? [] : items;
      return json(response, 200, { items: shown, nextCursor: null, total: { count: shown.length, exact: true } });
    }
    if (rest === '/outputs/content' || rest === '/log') {
      response
        .writeHead(200, { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' })
        .end(rest === '/log' ? Buffer.concat(log) : 'content');
      return;
    }
    if (rest === '/log/live') {
      events(response);
      if (run.number !== 12) {
        if (run.startedAt !== null) sendLog(response, Buffer.from('one line\n'), 9);
        response.end('event: end\ndata: {}\n\n');
        return;
      }
      const wanted = Number(String(request.headers['last-event-id'] ?? '').split(':')[1] ?? url.searchParams.get('offset') ?? 0);
      const start = wanted < 0 ? Math.max(0, size() + wanted) : wanted;
      sendLog(response, Buffer.concat(log).subarray(start), size());
      readers.add(response);
      response.on('close', () => readers.delete(response));
      return;
    }
    refuse(response, 'route-not-found', { method: request.method ?? '', path: url.pathname });
  };

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = (chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())) as Record<string, unknown>;
    const { pathname } = url;
    if (pathname === '/v1/session' && request.method === 'POST')
      return body['password'] === PASSWORD ? openSession(response) : refuse(response, 'bad-credentials');
    if (pathname === '/v1/session/link') return body['secret'] === FIRST_SECRET ? openSession(response) : refuse(response, 'link-not-valid');
    if (!signedIn(request)) return refuse(response, 'not-signed-in');
    if (pathname === '/v1/session') {
      sessions = new Set();
      return json(response, 204, undefined);
    }
    if (pathname === '/v1/me') {
      if (request.method === 'PATCH') language = body['language'] as Me['language'];
      return json(response, 200, { ...me, language });
    }
    if (pathname === '/v1/nodes') return json(response, 200, { items: [CANNED_NODE] });
    const [, tenant, rest = ''] = /^\/v1\/tenants\/([^/]+)(\/.*)$/.exec(pathname) ?? [];
    if (rest === '/events') {
      events(response);
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
      return;
    }
    if (['/searches', '/members', '/data', '/datasets'].includes(rest))
      return json(response, 200, { items: [], nextCursor: null, total: { count: 0, exact: true } });
    if (rest === '/runs') {
      const { searchParams } = url;
      const found = (tenant === 'vision' ? runs : []).filter(
        (run) =>
          (searchParams.get('kind') ?? run.kind) === run.kind &&
          (!searchParams.has('state') || searchParams.getAll('state').includes(run.state)) &&
          run.name.includes(searchParams.get('search') ?? searchParams.get('text') ?? ''),
      );
      const second = searchParams.get('cursor') === 'second';
      const many = found.length === runs.length;
      return json(response, 200, {
        items: second ? found.slice(0, 2) : found,
        nextCursor: many && !second ? 'second' : null,
        total: { count: many ? 10_000 : found.length, exact: !many },
      });
    }
    const lineage = /^\/lineage\/run\/(.+)$/.exec(rest)?.[1];
    if (lineage !== undefined)
      return json(response, 200, url.searchParams.get('direction') === 'descendants' ? { nodes: [], edges: [], truncated: false } : ancestry(lineage));
    const [, reference, ofIt = ''] = /^\/runs\/([^/]+)(.*)$/.exec(rest) ?? [];
    const run = runs.find((one) => one.id === reference || `${one.kind}-${one.number}` === reference);
    if (run === undefined) return refuse(response, 'not-found', { thing: 'run', reference: reference ?? '' });
    return ofRun(run, ofIt, url, request, response);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname.startsWith('/v1/')) {
      requests.push(`${request.method} ${url.pathname}`);
      if (isCut) return request.socket.destroy();
      return void api(request, response, url);
    }
    const wanted = join(pages, normalize(url.pathname));
    const file = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(pages, 'index.html');
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    write(text) {
      const bytes = Buffer.from(text);
      log.push(bytes);
      for (const reader of readers) sendLog(reader, bytes, size());
    },
    announce(run) {
      for (const watcher of watchers) watcher.write(`event: change\ndata: ${JSON.stringify({ topic: 'run', id: run, change: 'updated' })}\n\n`);
    },
    endSessions() {
      sessions = new Set();
    },
    cut(value) {
      isCut = value;
      if (value) server.closeAllConnections();
    },
    rename(run, name) {
      runs = runs.map((one) => (one.id === run ? { ...one, name } : one));
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function ancestry(run: string): unknown {
  const data = Array.from({ length: 20 }, (_, index) => ({
    kind: 'data',
    id: idOf(500 + index),
    label: `#${index + 1} digits ${index % 10} ${index < 10 ? 'training' : 'testing'}`,
    deleted: index === 3,
  }));
  const edge = (from: { kind: string; id: string }, to: { kind: string; id: string }, relation: string) => ({ from, to, relation, createdAt: at(0) });
  const dataset = { kind: 'dataset', id: idOf(700), label: '#3 手書き数字 digits', deleted: false };
  const commit = { kind: 'commit', id: `${idOf(600)}:examples/digits@9fceb02d`, label: 'examples/digits@9fceb02d', deleted: false };
  const parent = { kind: 'run', id: idOf(11), label: 'training-11 a longer name of a parent', deleted: false };
  const self = { kind: 'run', id: run };
  return {
    nodes: [...data, dataset, commit, parent],
    edges: [
      edge(dataset, self, 'input'),
      edge(commit, self, 'code'),
      edge(parent, self, 'parent'),
      edge(dataset, parent, 'input'),
      ...data.map((one) => edge(one, dataset, 'contains')),
    ],
    truncated: true,
  };
}
