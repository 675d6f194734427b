import type { StoredServer } from '#git/git-endpoint-store.ts';
import { askServer, type ServerAnswer } from '#git/exchange-with-server.ts';
import type { LfsPointer } from '#git/lfs-pointers.ts';
import { hostOf, transportOf } from '#git/server-address.ts';
import { z } from 'zod';

/** Where the content of Git LFS is asked for, and with what. */
export interface LfsDoor {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LfsDownload {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** In words for people, why one content cannot be had. */
export interface LfsRefusal {
  readonly refused: string;
}

/** As the protocol's own client asks. */
export const LFS_BATCH_SIZE = 100;
const MEDIA_TYPE = 'application/vnd.git-lfs+json';

const Headers = z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().regex(/^[^\r\n\0]{0,16384}$/));
const Action = z.object({ href: z.string().max(16_384), header: Headers.optional() });
const BatchAnswer = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z.object({ download: Action.optional() }).nullish(),
      error: z.object({ code: z.number(), message: z.string().optional() }).nullish(),
    }),
  ),
});
/** What `git-lfs-authenticate` says over SSH. */
export const LfsAuthentication = z.object({ href: z.string().max(4096), header: Headers.optional() });

/**
 * May the server send us there? To itself, and to hosts that a system admin listed: anything else could be a machine that
 * only we reach. Never from https to http.
 */
export function isLfsAddressAllowed(server: Pick<StoredServer, 'url' | 'lfsHosts'>, url: URL): boolean {
  if (!['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') return false;
  const transport = transportOf(server);
  if (transport === 'https' && url.protocol === 'http:') return false;
  if (server.lfsHosts.some((host) => new URL(`${url.protocol}//${host}`).host === url.host)) return true;
  if (transport === 'ssh') return url.protocol === 'https:' && url.port === '' && url.hostname.replaceAll(/^\[|\]$/g, '') === hostOf(server).name;
  return url.origin === new URL(server.url).origin;
}

export const notAllowed = (url: string): string =>
  `the server sends us to ${URL.canParse(url) ? new URL(url).host : 'an address that is none'} for it. If that is right, a system admin allows it: sodate git edit NAME --lfs-host HOST`;

/** Asks where contents are. At most `LFS_BATCH_SIZE` at once. */
export async function askLfsBatch(
  server: StoredServer,
  door: LfsDoor,
  pointers: readonly LfsPointer[],
  silenceLimitMs: number,
): Promise<ReadonlyMap<string, LfsDownload | LfsRefusal>> {
  const address = `${door.url}/objects/batch`;
  const everyone = (refused: string) => new Map(pointers.map(({ oid }) => [oid, { refused }] as const));
  if (!URL.canParse(address) || !isLfsAddressAllowed(server, new URL(address))) return everyone(notAllowed(address));
  const answer = await askServer(server, new URL(address), {
    method: 'POST',
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, ...door.headers },
    body: JSON.stringify({ operation: 'download', transfers: ['basic'], hash_algo: 'sha256', objects: pointers.map(({ oid, size }) => ({ oid, size })) }),
    silenceLimitMs,
  });
  const parsed = answer.status === 200 ? BatchAnswer.safeParse(parseJson(answer.body)) : null;
  if (parsed?.success !== true) return everyone(refusalOf(answer));
  const found = new Map<string, LfsDownload | LfsRefusal>(everyone('the server says nothing about it'));
  for (const { oid, actions, error } of parsed.data.objects) {
    const download = actions?.download;
    if (!found.has(oid)) continue;
    if (error) found.set(oid, { refused: error.code === 404 ? 'the server does not have it' : `the server refuses it (code ${error.code})` });
    else if (download === undefined) found.set(oid, { refused: 'the server does not say where it is' });
    else if (!URL.canParse(download.href) || !isLfsAddressAllowed(server, new URL(download.href))) found.set(oid, { refused: notAllowed(download.href) });
    else found.set(oid, { url: new URL(download.href), headers: download.header ?? {} });
  }
  return found;
}

function refusalOf({ status }: ServerAnswer): string {
  if (status === 401 || status === 403) return 'the server does not show it to this credential';
  if (status === 404) return 'the server keeps nothing by Git LFS for this repository';
  if (status === 200) return 'the server answers the question for it with something else';
  return `the server answers the question for it with the status ${status}`;
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
