import { type ArchiveEntry, writeZip } from '#kit/archives/write-zip.ts';
import { attachment } from '#kit/http/send-download.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';

/** Entries of one archive: its list, which is kept until the end, is then about 100 MB. */
export const ARCHIVE_ENTRIES_LIMIT = 1_000_000;
const ARCHIVES_AT_ONCE = 16;
const ARCHIVES_AT_ONCE_PER_TENANT = 4;
const BUFFER_BYTES = 1024 * 1024;
/** A reader that takes nothing for so long is cut off, or four of them would keep a tenant from its archives. */
const STALLED_READER_MS = 600_000;

export interface Archive {
  /** Without `.zip`. */
  readonly name: string;
  /** Looked at as the archive is written; ended early when the reader goes. */
  readonly entries: () => AsyncIterable<ArchiveEntry>;
}

/**
 * Archives made on demand and never stored: they are written as fast as the reader takes them, with little memory, and
 * stop when it goes. Only so many at once, because each holds an open file and, deflating, a core.
 */
export interface Archives {
  /**
   * Answers with a zip. `prepare` runs when there is room for it, before anything is sent: what it throws is answered.
   * @throws SodateError `archives-busy`
   */
  send(tenant: TenantId, request: FastifyRequest, reply: FastifyReply, prepare: () => Promise<Archive>): Promise<void>;
  /** How many are being made. */
  underWay(): number;
}

export function makeArchives(): Archives {
  const byTenant = new Map<TenantId, number>();
  const underWay = (): number => [...byTenant.values()].reduce((sum, count) => sum + count, 0);
  const begin = (tenant: TenantId): (() => void) => {
    const own = byTenant.get(tenant) ?? 0;
    if (own >= ARCHIVES_AT_ONCE_PER_TENANT || underWay() >= ARCHIVES_AT_ONCE) throw new SodateError('archives-busy', { limit: ARCHIVES_AT_ONCE_PER_TENANT });
    byTenant.set(tenant, own + 1);
    const held = { on: true };
    return () => {
      if (!held.on) return;
      held.on = false;
      const left = (byTenant.get(tenant) ?? 1) - 1;
      if (left === 0) byTenant.delete(tenant);
      else byTenant.set(tenant, left);
    };
  };
  return {
    underWay,
    async send(tenant, request, reply, prepare) {
      const end = begin(tenant);
      try {
        const { name, entries } = await prepare();
        reply.headers({
          'cache-control': 'private, no-cache',
          'content-disposition': attachment(`${name}.zip`),
          'content-security-policy': "sandbox; default-src 'none'",
          'content-type': 'application/zip',
          'x-content-type-options': 'nosniff',
        });
        if (request.method === 'HEAD') {
          end();
          return void reply.send();
        }
        // The reader may have gone while it was prepared.
        if (request.raw.socket.destroyed) {
          end();
          return void reply.hijack();
        }
        const bytes = Readable.from(writeZip(entries()), { objectMode: false, highWaterMark: BUFFER_BYTES });
        // Both how it ends well and how it is given up; then the generator has closed what it had open.
        bytes.on('close', end);
        reply.raw.on('close', () => bytes.destroy());
        reply.raw.setTimeout(STALLED_READER_MS, () => reply.raw.destroy());
        reply.send(bytes);
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}
