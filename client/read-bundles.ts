import { BUNDLE_HEAD_BYTES_LIMIT } from '@sodate/contract/data.ts';
import type { Route } from '@sodate/contract/route.ts';
import type { z } from 'zod';
import { buildPath } from './build-path.ts';
import { ConnectionError, UnexpectedAnswer } from './connection-errors.ts';
import type { Client } from './make-client.ts';
import { readBody } from './read-body.ts';

interface BundleFile {
  readonly size: number;
}

export interface AskedBundle<File extends BundleFile> {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Of each bundle of the answer. */
  readonly head: z.ZodType<{ readonly files: readonly File[] }>;
  readonly signal: AbortSignal;
}

/**
 * The files of an answer that is one bundle or several, one after the other as they come: each is in memory by itself.
 * @throws ConnectionError when the answer breaks off; what came before is whole
 */
export async function* readBundles<File extends BundleFile>(
  client: Client,
  { route, params, body, head, signal }: AskedBundle<File>,
): AsyncGenerator<{ readonly file: File; readonly bytes: Uint8Array }> {
  const response = await client.exchange({
    method: route.method,
    path: buildPath(route.path, params, {}),
    headers: { 'content-type': 'application/json', accept: '*/*' },
    body: JSON.stringify(body),
    signal,
    // These routes only read, although they are asked by POST.
    repeatable: true,
  });
  const pieces = readBody(response, client.server, signal);
  try {
    const { take, isAtEnd } = takeFrom(pieces, client.server);
    do {
      const { files } = parseHead(head, await take(new DataView((await take(4)).buffer).getUint32(0)));
      for (const file of files) yield { file, bytes: await take(file.size) };
    } while (!(await isAtEnd()));
  } finally {
    await pieces.return(undefined);
  }
}

interface Taker {
  /** Exactly so many bytes, in an array of their own. */
  take(length: number): Promise<Uint8Array<ArrayBuffer>>;
  isAtEnd(): Promise<boolean>;
}

function takeFrom(pieces: AsyncGenerator<Uint8Array>, server: string): Taker {
  let rest = new Uint8Array();
  const isAtEnd = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await pieces.next();
      if (next.done === true) return true;
      rest = next.value as typeof rest;
    }
    return false;
  };
  return {
    isAtEnd,
    async take(length) {
      if (length > BUNDLE_HEAD_BYTES_LIMIT) throw outOfForm();
      const taken = new Uint8Array(length);
      for (let at = 0; at < length;) {
        if (await isAtEnd()) throw new ConnectionError(`The connection to ${server} broke off. Try again.`, true, undefined);
        const piece = rest.subarray(0, length - at);
        taken.set(piece, at);
        rest = rest.subarray(piece.length);
        at += piece.length;
      }
      return taken;
    },
  };
}

function parseHead<Head>(head: z.ZodType<Head>, text: Uint8Array): Head {
  try {
    return head.parse(JSON.parse(new TextDecoder().decode(text)));
  } catch (error) {
    throw outOfForm(error);
  }
}

const outOfForm = (cause?: unknown): UnexpectedAnswer =>
  new UnexpectedAnswer('The answer to a request for many files is not of the form that this client knows.', 200, cause);
