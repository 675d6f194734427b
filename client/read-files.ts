import { type DataFile, readFiles, ReadFilesHead } from '@sodate/contract/data.ts';
import { readOutputs, ReadOutputsHead } from '@sodate/contract/output-bundles.ts';
import type { Client } from './make-client.ts';
import { readBundles } from './read-bundles.ts';

export interface FileContent {
  readonly id: DataFile['id'];
  /** As the server knows it; to be compared with what came. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of small files of a data by one request, one after the other as they come: each is in memory by itself. What the
 * data does not have (any more) does not come. At most `FILES_PER_REQUEST_LIMIT` files of 1 MiB, 32 MiB together.
 * @throws ConnectionError when the answer breaks off; what came before is whole
 */
export async function* readFilesOf(
  client: Client,
  asked: { readonly tenant: string; readonly data: string; readonly files: readonly string[]; readonly signal: AbortSignal },
): AsyncGenerator<FileContent> {
  const { tenant, data, files, signal } = asked;
  const answer = readBundles(client, { route: readFiles, params: { tenant, data }, body: { files }, head: ReadFilesHead, signal });
  for await (const { file, bytes } of answer) yield { id: file.id, digest: file.digest, bytes };
}

export interface OutputContent {
  /** Inside the output folder, as it was asked for. */
  readonly path: string;
  /** Of the bytes that the server read; to be compared with what came. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * The same for small files of a run's output, as each is when the server comes to it: a job may be writing to them. What is
 * gone by then, is no file, or has grown beyond 1 MiB does not come, nor what comes after 32 MiB together.
 * @throws ConnectionError when the answer breaks off; what came before is whole
 */
export async function* readOutputsOf(
  client: Client,
  asked: { readonly tenant: string; readonly run: string; readonly paths: readonly string[]; readonly signal: AbortSignal },
): AsyncGenerator<OutputContent> {
  const { tenant, run, paths, signal } = asked;
  const answer = readBundles(client, { route: readOutputs, params: { tenant, run }, body: { paths }, head: ReadOutputsHead, signal });
  for await (const { file, bytes } of answer) yield { path: file.path, digest: file.digest, bytes };
}
