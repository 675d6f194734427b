import { loadEndpoints, type StoredServer } from '#git/git-endpoint-store.ts';
import type { RepositoryAt } from '#git/git-mirror.ts';
import type { Repositories } from '#git/repository-at.ts';
import type { RunGit } from '#git/run-git.ts';
import { relativeRepositoryName, repositoryNameAt } from '#git/server-address.ts';
import { liesPlainly } from '#git/working-tree.ts';
import type { Database } from '#kit/db/open-database.ts';
import { trimEnd } from '#kit/trim-end.ts';
import { SodateError } from '@sodate/contract/errors.ts';

/** A submodule as the commit above it has it. */
export interface Submodule {
  readonly path: string;
  readonly url: string;
  readonly commit: string;
}

/** A file that asks for more is made to hurt. */
const SUBMODULES_LIMIT = 200;
const MODE_FILE = '100644';
const MODE_SUBMODULE = '160000';

/** In the order of their paths. A path that the commit has as something else than a submodule is left alone, as git does. */
export async function readSubmodules(git: RunGit, about: string, checkout: string, commit: string): Promise<readonly Submodule[]> {
  const modules = await listTree(git, about, checkout, commit, ['.gitmodules']);
  // A link would lead the reading elsewhere; git takes none for this file either.
  if (modules.get('.gitmodules')?.mode !== MODE_FILE) return [];
  const listing = await git.must(about, ['-C', checkout, 'config', '-z', '--blob', `${commit}:.gitmodules`, '--list']);
  const urls = parseModules(listing);
  if (urls.size === 0) return [];
  if (urls.size > SUBMODULES_LIMIT) throw refused(about, '.gitmodules', `it names more than ${SUBMODULES_LIMIT} submodules`);
  const entries = await listTree(git, about, checkout, commit, [...urls.keys()]);
  const found: Submodule[] = [];
  for (const [path, url] of urls) {
    const entry = entries.get(path);
    if (entry?.mode !== MODE_SUBMODULE) continue;
    if (!(await liesPlainly(checkout, path))) throw refused(about, path, 'its path does not lie plainly in the repository');
    found.push({ path, url, commit: entry.id });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Path → address. Of several lines for one submodule the last counts, as everywhere in git. */
function parseModules(listing: string): ReadonlyMap<string, string> {
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const entry of listing.split('\0')) {
    const line = entry.indexOf('\n');
    const key = /^submodule\.([\s\S]+)\.(path|url)$/.exec(entry.slice(0, line));
    if (line < 0 || key?.[1] === undefined) continue;
    const known = modules.get(key[1]) ?? {};
    modules.set(key[1], { ...known, [key[2] ?? '']: entry.slice(line + 1) });
  }
  const complete = [...modules.values()].flatMap(({ path, url }) => (path === undefined || url === undefined ? [] : [[trimEnd(path, '/'), url] as const]));
  return new Map(complete);
}

async function listTree(
  git: RunGit,
  about: string,
  checkout: string,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, { readonly mode: string; readonly id: string }>> {
  const listing = await git.must(about, ['-C', checkout, '--literal-pathspecs', 'ls-tree', '-z', '--full-tree', commit, '--', ...paths]);
  const entries = listing.split('\0').flatMap((entry) => {
    const parts = /^(\d{6}) \w+ ([0-9a-f]+)\t([\s\S]+)$/.exec(entry);
    return parts?.[1] === undefined || parts[2] === undefined || parts[3] === undefined ? [] : [[parts[3], { mode: parts[1], id: parts[2] }] as const];
  });
  return new Map(entries);
}

export const refused = (repository: string, submodule: string, reason: string, cause?: unknown): SodateError =>
  new SodateError('git-submodule-refused', { submodule, repository, reason }, cause === undefined ? {} : { cause });

/**
 * The repository that a submodule's address means: at the same endpoint for the same reader, or at another registered
 * server as far as that shows it to everybody. A repository must not be able to make us ask anybody else, nor show the
 * reader's credential for one server to be useful for what another one wrote.
 * @throws SodateError `git-submodule-refused`
 */
export async function locateSubmodule(
  parts: { readonly db: Database; readonly repositories: Repositories },
  above: RepositoryAt,
  submodule: Submodule,
): Promise<RepositoryAt> {
  const { source, reader } = above;
  const { url } = submodule;
  if (/^\.\.?(\/|$)/.test(url)) {
    const name = relativeRepositoryName(source.kind, above.repository, url);
    if (name === null) throw refused(above.repository, submodule.path, `its address ${shown(url)} leads out of the git endpoint ${source.name}`);
    return parts.repositories.at(source, name, reader);
  }
  if (source.kind !== 'local') {
    const name = repositoryNameAt(source, url);
    if (name !== null) return parts.repositories.at(source, name, reader);
  }
  const servers = (await loadEndpoints(parts.db)).filter((each): each is StoredServer => each.kind !== 'local' && each.id !== source.id);
  for (const server of servers) {
    const name = repositoryNameAt(server, url);
    if (name !== null) return parts.repositories.at(server, name, null);
  }
  throw refused(
    above.repository,
    submodule.path,
    `its address ${shown(url)} lies at no registered git server. A system admin registers one: sodate git add NAME ADDRESS`,
  );
}

/** Addresses in repositories may hold passwords. */
const shown = (url: string): string =>
  url
    .replace(/\/\/[^/]*@/, '//')
    .replaceAll(/[^\u0020-\u007e]/g, '?')
    .slice(0, 200);
