import type { GitCredential } from '#git/git-credential-store.ts';
import type { StoredEndpoint } from '#git/git-endpoint-store.ts';
import { readPageNumber } from '#git/listing/page-number.ts';
import { askedRepositories } from '#git/listing/server-listings.ts';
import { listRepositoriesBelow } from '#git/local-repositories.ts';
import { rootOf } from '#git/locate-folder.ts';
import type { Log } from '#kit/log.ts';
import { RepositoryName } from '@sodate/contract/git.ts';

export interface RepositoryQuery {
  /** Part of the name, in any case of letters. */
  readonly text?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface RepositoryPage {
  readonly items: readonly string[];
  readonly nextCursor: string | null;
}

/**
 * Repositories for choosers: what lies in a folder, or what a server lists for this credential.
 * @throws SodateError `git-without-list`, `invalid-cursor`, and what speaking with a server can end in
 */
export async function listRepositoriesAt(
  parts: { readonly gitRoot: string | null; readonly log: Log },
  endpoint: StoredEndpoint,
  credential: GitCredential | null,
  query: RepositoryQuery,
): Promise<RepositoryPage> {
  if (endpoint.kind === 'local') return pageOfAll(await listRepositoriesBelow(await rootOf(parts, endpoint, endpoint.name)), query);
  const listed = await askedRepositories(endpoint, credential, query);
  // What could not be submitted is not offered.
  const names = listed.names.filter((name) => RepositoryName.safeParse(name).success);
  if ('nextCursor' in listed) return { items: names, nextCursor: listed.nextCursor };
  return pageOfAll(names, query);
}

/** The cursor says how many were shown before: lists that come as a whole are short. */
function pageOfAll(names: readonly string[], { text, limit, cursor }: RepositoryQuery): RepositoryPage {
  const from = cursor === undefined ? 0 : readPageNumber(cursor);
  const wanted = text === undefined ? names : names.filter((name) => name.toLowerCase().includes(text.toLowerCase()));
  const items = wanted.slice(from, from + limit);
  return { items, nextCursor: from + limit < wanted.length ? String(from + limit) : null };
}
