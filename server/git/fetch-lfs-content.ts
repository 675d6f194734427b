import type { StoredServer } from '#git/git-endpoint-store.ts';
import { withResponse } from '#git/exchange-with-server.ts';
import { isLfsAddressAllowed, type LfsDownload, notAllowed } from '#git/lfs-batch.ts';
import type { LfsPointer } from '#git/lfs-pointers.ts';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Such as from the server to the object store behind it. */
const REDIRECTS_LIMIT = 3;

/** Why a content cannot be had, in words for people. */
export class ContentRefused extends Error {}

/**
 * Brings one content into a new file, and looks whether it is the one that the pointer means.
 * @throws ContentRefused, and what `withResponse` throws
 */
export async function downloadLfsContent(
  server: StoredServer,
  download: LfsDownload,
  pointer: LfsPointer,
  file: string,
  silenceLimitMs: number,
): Promise<void> {
  let here = download;
  for (let redirects = 0; ; redirects += 1) {
    const next = await withResponse(server, here.url, { headers: here.headers, silenceLimitMs }, null, async (response) => {
      const { location } = response.headers;
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400 && location !== undefined) return location;
      if (status !== 200) throw new ContentRefused(`the server answers with the status ${status}`);
      await storeChecked(response, pointer, file);
      return null;
    });
    if (next === null) return;
    const url = URL.canParse(next, here.url.href) ? new URL(next, here.url) : null;
    if (url === null || !isLfsAddressAllowed(server, url)) throw new ContentRefused(notAllowed(next));
    if (redirects === REDIRECTS_LIMIT) throw new ContentRefused('the server sends us on again and again');
    // What opens one door is not shown at another.
    here = { url, headers: url.origin === here.url.origin ? here.headers : {} };
  }
}

/** Copies a content that lies beside a repository of this machine. @throws ContentRefused */
export const copyLfsContent = (from: string, pointer: LfsPointer, file: string): Promise<void> => storeChecked(createReadStream(from), pointer, file);

async function storeChecked(source: Readable, pointer: LfsPointer, file: string): Promise<void> {
  const hash = createHash('sha256');
  const seen = { bytes: 0 };
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        seen.bytes += chunk.length;
        if (seen.bytes > pointer.size) throw new ContentRefused(`more arrives than the ${pointer.size} bytes that it has`);
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file, { flags: 'wx', mode: 0o644, flush: true } as Parameters<typeof createWriteStream>[1]),
  );
  if (seen.bytes !== pointer.size || hash.digest('hex') !== pointer.oid) throw new ContentRefused('what arrives is not what the pointer means');
}
