import type { Database } from '#kit/db/open-database.ts';
import { toOpenLineage, type OpenLineageOrigin } from '#lineage/open-lineage.ts';
import { type MomentKey, readMoments } from '#lineage/open-lineage-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';

/** Read and sent together: memory stays the same however many there are. */
const MOMENTS_AT_ONCE = 500;

export interface OpenLineageAsk {
  readonly tenant: TenantId;
  readonly since: Date | null;
  readonly run: string | null;
}

/** Events in their order, a line each. Ended by the reader's going away, too. */
export async function* openLineageLines(db: Database, ask: OpenLineageAsk, origin: OpenLineageOrigin): AsyncGenerator<string> {
  for (let after: MomentKey | null = null; ;) {
    const moments = await readMoments(db, ask.tenant, { ...ask, after, limit: MOMENTS_AT_ONCE });
    if (moments.length > 0) yield moments.map((moment) => `${JSON.stringify(toOpenLineage(moment, origin))}\n`).join('');
    const last = moments.at(-1);
    if (last === undefined || moments.length < MOMENTS_AT_ONCE) return;
    after = { at: last.at, isEnd: last.end !== null, run: last.run };
  }
}

export async function sendOpenLineage(reply: FastifyReply, lines: AsyncGenerator<string>): Promise<void> {
  // The first lines before the head, so that what the database refuses is still answered as an error.
  const first = await lines.next();
  const rest = async function* (): AsyncGenerator<string> {
    if (first.done !== true) yield first.value;
    yield* lines;
  };
  await reply.header('content-type', 'application/x-ndjson').header('cache-control', 'private, no-cache').send(Readable.from(rest()));
}
