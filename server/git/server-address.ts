import type { StoredServer } from '#git/git-endpoint-store.ts';
import { trimEnd } from '#kit/trim-end.ts';
import { type GitServerKind, RepositoryName } from '@sodate/contract/git.ts';

/** How a server is spoken with, which is also what git calls the protocol. */
export type Transport = 'http' | 'https' | 'ssh';

const USUAL_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443', 'ssh:': '22' };

export const transportOf = ({ url }: Pick<StoredServer, 'url'>): Transport => new URL(url).protocol.slice(0, -1) as Transport;

/** The host name or address, without brackets, and the port. */
export function hostOf({ url }: Pick<StoredServer, 'url'>): { readonly name: string; readonly port: string } {
  const { hostname, port, protocol } = new URL(url);
  return { name: hostname.replaceAll(/^\[|\]$/g, '').toLowerCase(), port: port === '' ? (USUAL_PORTS[protocol] ?? '') : port };
}

/** Servers that we know have the path of a repository end in `.git`; without it some send us on, which is not followed. */
const withEnding = (kind: GitServerKind, repository: string): string => (kind === 'plain' || repository.endsWith('.git') ? repository : `${repository}.git`);

/** Where GitBucket has its repositories over HTTP; over SSH they are at the root. */
const prefixOf = (server: Pick<StoredServer, 'kind' | 'url'>): string => (server.kind === 'gitbucket' && transportOf(server) !== 'ssh' ? '/git' : '');

/** What git is told to read. It never holds a password. */
export function repositoryUrl(server: Pick<StoredServer, 'kind' | 'url'>, repository: string): string {
  const path = withEnding(server.kind, repository).split('/').map(encodeURIComponent).join('/');
  return `${withUser(server.url)}${prefixOf(server)}/${path}`;
}

/** All hosting servers have the one user `git`. */
function withUser(url: string): string {
  return url.startsWith('ssh://') && !url.includes('@') ? url.replace('ssh://', 'ssh://git@') : url;
}

/** Where servers of that kind have their API, unless a system admin said otherwise; null where there is none. */
export function usualApiUrl(kind: GitServerKind, url: string): string | null {
  const { protocol, host, hostname, pathname } = new URL(url);
  // Over SSH the address says nothing about where the web server is, except that it has the same name.
  const root = protocol === 'ssh:' ? `https://${hostname}` : `${protocol}//${host}${pathname.replace(/\/$/, '')}`;
  switch (kind) {
    case 'github':
      return hostname.toLowerCase() === 'github.com' ? 'https://api.github.com' : `${root}/api/v3`;
    case 'gitlab':
      return `${root}/api/v4`;
    case 'gitea':
      return `${root}/api/v1`;
    case 'gitbucket':
      return `${root}/api/v3`;
    case 'plain':
      return null;
  }
}

interface Place {
  readonly web: boolean;
  readonly host: string;
  readonly port: string;
  readonly path: string;
}

/** `https://host/path`, `ssh://user@host/path` or `user@host:path`; null for anything else, such as a folder. */
function placeOf(address: string): Place | null {
  const short = /^(?:[\w.-]+@)?([\w.-]+|\[[0-9a-fA-F:.]+\]):(?!\/\/)(.+)$/.exec(address);
  if (short?.[1] !== undefined && short[2] !== undefined && !address.includes('://'))
    return { web: false, host: short[1].toLowerCase(), port: '22', path: `/${short[2].replace(/^\/+/, '')}` };
  if (!/^(https?|ssh|git\+ssh|ssh\+git):\/\//.test(address) || !URL.canParse(address)) return null;
  const { protocol, hostname, port, pathname } = new URL(address);
  const web = protocol.startsWith('http');
  return { web, host: hostname.toLowerCase(), port: port === '' ? (USUAL_PORTS[web ? protocol : 'ssh:'] ?? '') : port, path: decodePath(pathname) };
}

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/**
 * The repository that an address means at this server: of the same scheme, host and port and below its path. Where one
 * of the two is SSH and the other the web, the same host at the usual ports is the same server, because people write
 * both for one repository.
 * @returns null when the address lies elsewhere
 */
export function repositoryNameAt(server: Pick<StoredServer, 'kind' | 'url'>, address: string): string | null {
  const asked = placeOf(address);
  const base = placeOf(withUser(server.url));
  if (asked === null || base === null || asked.host !== base.host) return null;
  if (asked.web === base.web) {
    if (asked.port !== base.port || (asked.web && new URL(address).protocol !== new URL(server.url).protocol)) return null;
  } else if (![asked, base].every(({ web, port }) => port === '22' || (web && (port === '443' || port === '80')))) return null;
  const root = base.path.replace(/\/$/, '') + (asked.web ? prefixOf({ ...server, url: 'https://any' }) : '');
  if (!asked.path.startsWith(`${root}/`)) return null;
  return repositoryNameIn(asked.path.slice(root.length + 1), server.kind);
}

/** As its users write it: without the ending where that is added again. */
function repositoryNameIn(path: string, kind: GitServerKind): string | null {
  const name = trimEnd(path, '/');
  const short = kind === 'plain' ? name : name.replace(/\.git$/, '');
  return RepositoryName.safeParse(short).success ? short : null;
}

/**
 * The repository that a relative address (`../other.git`) means, seen from another one of the same endpoint.
 * @returns null when it leads out of the endpoint
 */
export function relativeRepositoryName(kind: GitServerKind | 'local', from: string, relative: string): string | null {
  const parts = from.split('/');
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return repositoryNameIn(parts.join('/'), kind === 'local' ? 'plain' : kind);
}
