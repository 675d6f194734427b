import type { openInside } from '#kit/foreign-folders/open-inside.ts';
import { sendDownload } from '#kit/http/send-download.ts';
import { makePreview } from '#kit/preview/preview.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Preview } from '@sodate/contract/preview.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';

/** 1 MiB buffers carry twice the bytes per second that 64 KiB ones do. */
const DOWNLOAD_BUFFER_BYTES = 1024 * 1024;

type Opened = Awaited<ReturnType<typeof openInside>>;
interface Asked {
  readonly name: string;
  /** For the error: `output file`. */
  readonly thing: string;
}

/** @throws SodateError `not-found`, `range-not-satisfiable` */
export async function sendFileInside(
  request: FastifyRequest,
  reply: FastifyReply,
  opened: Opened,
  { name, thing, findDigest }: Asked & { readonly findDigest?: (size: number) => Promise<string | null> },
): Promise<void> {
  if (opened === null) throw new SodateError('not-found', { thing, reference: name });
  const { file, size } = opened;
  const digest = await Promise.resolve(findDigest?.(size)).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  await sendDownload(request, reply, {
    name,
    size,
    ...(digest == null ? {} : { digest }),
    // No more than it had when it was opened: a job may be writing to it.
    async open(range) {
      if (size > 0) return file.createReadStream({ start: range?.start ?? 0, end: range?.end ?? size - 1, highWaterMark: DOWNLOAD_BUFFER_BYTES });
      await file.close();
      return Readable.from([]);
    },
    discard: () => file.close(),
  });
}

/** @throws SodateError `not-found` */
export async function previewInside(opened: Opened, { name, thing }: Asked): Promise<Preview> {
  if (opened === null) throw new SodateError('not-found', { thing, reference: name });
  const { file, size } = opened;
  try {
    return await makePreview({
      name,
      size,
      async read(bytes) {
        const buffer = Buffer.alloc(bytes);
        let filled = 0;
        for (let read = 1; read > 0 && filled < bytes; filled += read) read = (await file.read(buffer, filled, bytes - filled, filled)).bytesRead;
        return buffer.subarray(0, filled);
      },
    });
  } finally {
    await file.close();
  }
}
