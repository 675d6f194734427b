import { type DataFile, listDataFiles } from '@sodate/contract/data.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { Backoff } from './backoff.ts';
import { ApiError, isPassing, UnexpectedAnswer } from './connection-errors.ts';
import type { Digests } from './digests.ts';
import type { Client } from './make-client.ts';
import type { PartMemory } from './part-memory.ts';
import { type RefusedFile, SourceTrouble } from './upload-source.ts';

/** What the steps of one upload share. */
export interface UploadWork {
  readonly client: Client;
  readonly tenant: string;
  readonly data: string;
  readonly signal: AbortSignal | undefined;
  readonly backoff: Backoff;
  readonly concurrency: number;
  readonly memory: PartMemory;
  readonly digests: Digests | null;
  /** Whether parts may go to the object store itself. */
  readonly direct: boolean;
  /** Bytes that need not be sent any more; negative when a file is left out of the sum. */
  sent(bytes: number): void;
  stored(files: readonly DataFile[]): void;
  /** Leaves a file out and goes on, or throws where nobody wants to hear of it. */
  refuse(file: { readonly name: string }, trouble: Error): void;
}

/** Sending the same bytes again may help: the connection broke, they were damaged on the way, the server has trouble but room. */
export function mayPass(error: unknown): boolean {
  if (isPassing(error)) return true;
  if (error instanceof UnexpectedAnswer) return error.status >= 500;
  return error instanceof ApiError && (error.code === 'part-damaged' || (error.status >= 500 && error.status !== 507));
}

/** Concerns one file; the others can go on. */
export const concernsOneFile = (error: unknown): error is Error =>
  error instanceof SourceTrouble || (isSodateError(error) && ['name-taken', 'invalid-request', 'digest-differs'].includes(error.code));

export const toRefused = (name: string, trouble: Error): RefusedFile => ({
  name,
  code: isSodateError(trouble) ? trouble.code : 'source-trouble',
  message: trouble.message,
});

const FILES_PER_PAGE = 1_000;

/** The files of the data, page by page. */
export async function* storedFiles({ client, tenant, data, signal }: UploadWork): AsyncGenerator<DataFile> {
  for (let cursor: string | undefined; ;) {
    const page = await client.call(listDataFiles, { params: { tenant, data }, query: { limit: FILES_PER_PAGE, cursor }, signal });
    yield* page.items;
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
