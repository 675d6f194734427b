import { contentHeaders } from '#content/content-headers.ts';
import { cookiesOfOthers, setsOurs } from '#content/content-keys.ts';
import type { LiveOpening } from '#content/opening-store.ts';
import { answerNote } from '#content/plain-answers.ts';
import type { Clock } from '#kit/clock.ts';
import { type IncomingHttpHeaders, type IncomingMessage, request as askUpstream, type RequestOptions, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where a program of a run listens: a port of this machine or of a container, or a socket file. Never a text of a user's. */
export type Upstream = { readonly host: string; readonly port: number } | { readonly socketPath: string };

export interface PassThroughLimits {
  /** Until the first byte of an answer, in ms. */
  readonly answerMs: number;
  /** How often it is asked whether what is being passed through is still somebody's to see, in ms. */
  readonly recheckMs: number;
}
export const PASS_THROUGH_LIMITS: PassThroughLimits = { answerMs: 60_000, recheckMs: 15_000 };

/** Of one connection each, and to be left out by whoever passes a message on (RFC 9110); and what only this side is to know. */
const OF_ONE_CONNECTION = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
const OURS_ALONE = ['host', 'cookie', 'origin', 'referer', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'expect'];

export interface Passing {
  readonly opening: LiveOpening;
  readonly upstream: Upstream;
  readonly limits: PassThroughLimits;
  readonly clock: Clock;
  /** Whether the opening is one still. */
  stillOpen(): Promise<boolean>;
}

/** Hands a request to a program of a run, and its answer back. Resolves when all is sent, or the connection has ended. */
export async function passThrough(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<void> {
  const over = new AbortController();
  response.once('close', () => over.abort());
  const sent = askUpstream(optionsFor(request, passing));
  const ended = endWhenOver(passing, over.signal, () => response.destroy());
  const silent = endWhenSilent(passing, sent, over.signal);
  over.signal.addEventListener('abort', () => sent.destroy(), { once: true });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).on('error', reject);
      // Not a pipeline, which would take the asker's connection down with the upstream's, before they have had an answer.
      request.pipe(sent);
    });
    silent.abort();
    response.writeHead(answer.statusCode ?? 502, headersBack(answer, passing.opening));
    await pipeline(answer, response);
  } catch (error) {
    if (!over.signal.aborted) answerNote(request, response, isSilence(error) ? 'upstream-silent' : 'upstream-away');
  } finally {
    silent.abort();
    over.abort();
    await ended;
  }
}

/** The same for a connection that becomes something else than HTTP, such as a WebSocket. */
export async function passUpgradeThrough(request: IncomingMessage, socket: Duplex, head: Buffer, passing: Passing): Promise<void> {
  const over = new AbortController();
  socket.once('close', () => over.abort());
  const sent = askUpstream(optionsFor(request, passing, { connection: 'Upgrade', upgrade: request.headers.upgrade ?? '' }));
  const ended = endWhenOver(passing, over.signal, () => socket.destroy());
  const silent = endWhenSilent(passing, sent, over.signal);
  over.signal.addEventListener('abort', () => sent.destroy(), { once: true });
  const state = { answered: false };
  try {
    const [answer, behind, early] = await new Promise<[IncomingMessage, Duplex | null, Buffer]>((resolve, reject) => {
      sent.once('upgrade', (upgraded, stream, first) => resolve([upgraded, stream, first]));
      sent.once('response', (refused) => resolve([refused, null, Buffer.alloc(0)]));
      sent.on('error', reject);
      sent.end();
    });
    silent.abort();
    state.answered = true;
    if (behind === null) {
      writeHead(socket, answer.statusCode ?? 502, { ...headersBack(answer, passing.opening), connection: 'close' });
      await pipeline(answer, socket);
      return;
    }
    behind.on('error', () => behind.destroy());
    over.signal.addEventListener('abort', () => behind.destroy(), { once: true });
    writeHead(socket, 101, {
      ...headersBack(answer, passing.opening),
      connection: 'Upgrade',
      upgrade: answer.headers.upgrade ?? request.headers.upgrade ?? '',
    });
    if (early.length > 0) socket.write(early);
    if (head.length > 0) behind.write(head);
    await Promise.all([pipeline(socket, behind), pipeline(behind, socket)]);
  } catch (error) {
    if (!over.signal.aborted && !state.answered) refuseUpgrade(socket, isSilence(error) ? 504 : 502);
  } finally {
    silent.abort();
    over.abort();
    await ended;
  }
}

/** Answers on a bare socket, and closes it. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  writeHead(socket, status, { connection: 'close', 'content-length': '0' });
  socket.end();
}

function optionsFor(request: IncomingMessage, { opening, upstream }: Passing, more: Readonly<Record<string, string>> = {}): RequestOptions {
  const host = 'socketPath' in upstream ? 'localhost' : `${upstream.host.includes(':') ? `[${upstream.host}]` : upstream.host}:${upstream.port}`;
  const headers = withoutHeaders(request.headers, OURS_ALONE);
  const cookie = cookiesOfOthers(request.headers.cookie);
  return {
    ...upstream,
    method: request.method,
    path: request.url,
    agent: false,
    headers: {
      ...headers,
      host,
      // The program is told the name that it has for itself, so that its own check of origins holds; ours was made before.
      ...(request.headers.origin === undefined ? {} : { origin: `http://${host}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(request.headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }),
      'x-forwarded-host': new URL(opening.contentOrigin).host,
      'x-forwarded-proto': new URL(opening.contentOrigin).protocol.slice(0, -1),
      ...more,
    },
  };
}

/** What comes back is under our rules too, besides its own; it sets no cookie of ours, and none for the hosts beside its own. */
function headersBack(answer: IncomingMessage, opening: LiveOpening): Record<string, string | string[]> {
  const ours = contentHeaders(opening);
  const headers = withoutHeaders(answer.headers, [
    'set-cookie',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'alt-svc',
    'service-worker-allowed',
  ]);
  const policies = [headers['content-security-policy'], ours['content-security-policy']].flat().filter((policy) => policy !== undefined);
  const cookies = (answer.headers['set-cookie'] ?? []).filter((line) => !setsOurs(line)).map((line) => line.replaceAll(/;\s*domain=[^;]*/gi, ''));
  return { ...headers, ...ours, 'content-security-policy': policies, ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }) };
}

function withoutHeaders(headers: IncomingHttpHeaders, left: readonly string[]): Record<string, string | string[]> {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const out = new Set([...OF_ONE_CONNECTION, ...left, ...named]);
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string | string[]] => !out.has(entry[0]) && entry[1] !== undefined));
}

function writeHead(socket: Duplex, status: number, headers: Readonly<Record<string, string | string[]>>): void {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  socket.write(Buffer.from([`HTTP/1.1 ${status} ${STATUS_WORDS[status] ?? 'Answer'}`, ...lines, '', ''].join('\r\n'), 'latin1'));
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  101: 'Switching Protocols',
  403: 'Forbidden',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

class Silence extends Error {}
const isSilence = (error: unknown): boolean => error instanceof Silence;

/** Gives up a request that nobody answers. To be ended when somebody has. */
function endWhenSilent({ limits, clock }: Passing, sent: { destroy(error: Error): void }, over: AbortSignal): AbortController {
  const answered = new AbortController();
  const either = AbortSignal.any([answered.signal, over]);
  void clock.sleep(limits.answerMs, either).then(() => {
    if (!either.aborted) sent.destroy(new Silence('no answer'));
  });
  return answered;
}

/** Connections may last for hours: what ends an opening ends them too, a little later. */
async function endWhenOver({ limits, clock, stillOpen }: Passing, over: AbortSignal, end: () => void): Promise<void> {
  for (;;) {
    await clock.sleep(limits.recheckMs, over);
    if (over.aborted) return;
    // A database that is away ends nothing: it is asked again.
    if (!(await stillOpen().catch(() => true))) return end();
  }
}
