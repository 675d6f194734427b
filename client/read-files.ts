import { BUNDLE_HEAD_BYTES_LIMIT, type DataFile, readFiles, ReadFilesHead } from '@sodate/contract/data.ts';
import { buildPath } from './build-path.ts';
import { ConnectionError, UnexpectedAnswer } from './connection-errors.ts';
import type { Client } from './make-client.ts';
import { readBody } from './read-body.ts';

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
  const response = await client.exchange({
    method: readFiles.method,
    path: buildPath(readFiles.path, { tenant, data }, {}),
    headers: { 'content-type': 'application/json', accept: '*/*' },
    body: JSON.stringify({ files }),
    signal,
    repeatable: true,
  });
  const pieces = readBody(response, client.server, signal);
  try {
    const take = takeFrom(pieces, client.server);
    const head = parseHead(await take(new DataView((await take(4)).buffer).getUint32(0)));
    for (const { id, size, digest } of head.files) yield { id, digest, bytes: await take(size) };
  } finally {
    await pieces.return(undefined);
  }
}

/** Exactly so many bytes at a time, in an array of their own. */
function takeFrom(pieces: AsyncGenerator<Uint8Array>, server: string): (length: number) => Promise<Uint8Array<ArrayBuffer>> {
  let rest = new Uint8Array();
  return async (length) => {
    if (length > BUNDLE_HEAD_BYTES_LIMIT) throw new UnexpectedAnswer('The answer to a request for many files is not of the form that this client knows.', 200);
    const taken = new Uint8Array(length);
    for (let at = 0; at < length;) {
      if (rest.length === 0) {
        const next = await pieces.next();
        if (next.done === true) throw new ConnectionError(`The connection to ${server} broke off. Try again.`, true, undefined);
        rest = next.value as typeof rest;
      }
      const piece = rest.subarray(0, length - at);
      taken.set(piece, at);
      rest = rest.subarray(piece.length);
      at += piece.length;
    }
    return taken;
  };
}

function parseHead(text: Uint8Array): ReadFilesHead {
  try {
    return ReadFilesHead.parse(JSON.parse(new TextDecoder().decode(text)));
  } catch (error) {
    throw new UnexpectedAnswer('The answer to a request for many files is not of the form that this client knows.', 200, error);
  }
}
