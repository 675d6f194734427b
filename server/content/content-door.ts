import type { ContentAddresses } from '#content/content-address.ts';
import { keyCookies, keysIn, newKey, takeTicket } from '#content/content-keys.ts';
import { QUIET_HEADERS } from '#content/content-headers.ts';
import type { ContentSource } from '#content/content-source.ts';
import { findOpening, type LiveOpening, redeemTicket } from '#content/opening-store.ts';
import { type PassThroughLimits, passThrough, passUpgradeThrough, refuseUpgrade, type Upstream } from '#content/pass-through.ts';
import { answerNote } from '#content/plain-answers.ts';
import { type Note, NOTE_STATUS } from '#content/content-pages.ts';
import { serveTree } from '#content/serve-tree.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { hostsOf, type OtherHosts } from '#kit/http/serve-by-host.ts';
import { hashSecret } from '#kit/secrets.ts';
import type { Log } from '#kit/log.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface ContentDoorParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly addresses: ContentAddresses;
  readonly limits: PassThroughLimits;
  sourceOf(opening: LiveOpening): ContentSource | null;
  /** Where the program listens that an opening stands for; null where it does not, or not any more. */
  upstreamOf(opening: LiveOpening): Promise<Upstream | null>;
}

type Entered = { readonly opening: LiveOpening } | { readonly note: Note } | { readonly cookies: readonly string[]; readonly location: string };

/**
 * What answers at the content hosts, and nothing else does: no route, no page and no credential of the platform is known
 * here. A label stands for one opening; a ticket makes a key of the browser that comes with it first; the key opens what the
 * opening shows, as long as it is one.
 */
export function makeContentDoor(parts: ContentDoorParts): Pick<OtherHosts, 'serve' | 'upgrade'> {
  const { db, clock, log, addresses } = parts;

  async function enter(request: IncomingMessage, by: 'request' | 'upgrade'): Promise<Entered> {
    const hosts = hostsOf(request);
    const [host = ''] = hosts;
    const { url = '', method = '', headers } = request;
    if (hosts.length !== 1 || !url.startsWith('/')) return { note: 'not-understood' };
    const label = addresses.labelOf(host);
    // A worker of the page's own would go on answering for it after the opening has ended.
    if (headers['service-worker'] !== undefined || headers['sec-fetch-dest'] === 'serviceworker') return { note: 'not-allowed' };
    const opening = label === null ? null : await findOpening(db, label, clock.now());
    if (label === null || opening === null) return { note: 'ended' };
    const { ticket, rest } = takeTicket(url);
    const hasKey = keysIn(headers.cookie).some((key) => opening.keyHash?.equals(hashSecret(key)) === true);
    if (ticket !== null && by === 'request' && method === 'GET' && !isLookAhead(request)) {
      if (hasKey) return { cookies: [], location: rest };
      const now = clock.now();
      const key = newKey();
      if (await redeemTicket(db, { label, ticket, key, now }))
        return { cookies: keyCookies(key, opening.contentOrigin, (opening.expiresAt.getTime() - now.getTime()) / 1000), location: rest };
    }
    if (!hasKey) return { note: 'ended' };
    return mayAsk(request, opening.contentOrigin) ? { opening } : { note: 'not-allowed' };
  }

  const passing = async (opening: LiveOpening, request: IncomingMessage) => {
    const upstream = await parts.upstreamOf(opening);
    const label = addresses.labelOf(request.headers.host ?? '') ?? '';
    return upstream === null
      ? null
      : { opening, upstream, limits: parts.limits, clock, stillOpen: async () => (await findOpening(db, label, clock.now()))?.id === opening.id };
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const entered = await enter(request, 'request');
    if ('note' in entered) return answerNote(request, response, entered.note);
    if ('location' in entered) {
      // One slash: an address that begins with two would be another host's.
      const location = `/${entered.location.replace(/^[/\\]+/, '')}`;
      response.writeHead(303, { ...QUIET_HEADERS, location, 'set-cookie': [...entered.cookies], 'content-length': '0' }).end();
      return;
    }
    const { opening } = entered;
    const source = parts.sourceOf(opening);
    if (source !== null) {
      if (!['GET', 'HEAD'].includes(request.method ?? '')) return answerNote(request, response, 'not-allowed');
      return serveTree(request, response, source, opening);
    }
    const through = await passing(opening, request);
    return through === null ? answerNote(request, response, 'upstream-away') : passThrough(request, response, through);
  }

  async function answerUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const entered = await enter(request, 'upgrade');
    // A page always says where it is when it asks for this; whatever does not say it is none.
    const isOwn = 'opening' in entered && request.headers.origin === entered.opening.contentOrigin;
    if (!isOwn || parts.sourceOf(entered.opening) !== null) return refuseUpgrade(socket, 'note' in entered ? NOTE_STATUS[entered.note] : 403);
    const through = request.method === 'GET' ? await passing(entered.opening, request) : null;
    return through === null ? refuseUpgrade(socket, 502) : passUpgradeThrough(request, socket, head, through);
  }

  return {
    serve(request, response) {
      answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'showing content failed');
        answerNote(request, response, 'unavailable');
      });
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      answerUpgrade(request, socket, head).catch((error: unknown) => {
        log.error({ err: error }, 'showing content failed');
        refuseUpgrade(socket, 503);
      });
    },
  };
}

/** Browsers and programs that show links before anybody goes there must not use up the ticket. */
const isLookAhead = ({ headers }: IncomingMessage): boolean =>
  /prefetch|prerender|preview/i.test(`${headers['sec-purpose'] ?? ''} ${headers['purpose'] ?? ''} ${headers['x-moz'] ?? ''}`);

/**
 * The key is a cookie, so what a request says of the page it comes from must be right as well: the page's own origin, exactly,
 * or, where browsers send no origin, the same one by their own word. To come here by a link or in a frame is for everybody;
 * whom the platform lets frame it, browsers see to.
 */
function mayAsk({ headers, method }: IncomingMessage, contentOrigin: string): boolean {
  const site = headers['sec-fetch-site'];
  // A form of a page that is told to send no referrer is sent with none of its origin either.
  if (headers.origin === 'null') return site === 'same-origin';
  if (headers.origin !== undefined) return headers.origin === contentOrigin;
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
}
