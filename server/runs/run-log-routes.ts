import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { openEventStream } from '#kit/http/event-stream.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { FoundRun } from '#runs/find-run.ts';
import { openLog } from '#runs/run-logs.ts';
import { isEnded } from '#runs/run-states.ts';
import { listAttemptRows } from '#runs/run-store.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { AttemptId, TenantId } from '@sodate/contract/ids.ts';
import type { LogEvent } from '@sodate/contract/run-routes.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** While a job writes, its log is looked at this often: a message then holds what came in between. */
const LOG_POLL_MS = 50;
/** A run's state is asked for this often while its log is followed; changes of it hint earlier. */
const STATE_POLL_MS = 2_000;

interface LogQuery {
  readonly attempt?: number | undefined;
  readonly offset: number;
}

/** The attempt whose log is meant: the one asked for, else the latest. null while there is none yet. */
async function attemptOf(db: Database, tenant: TenantId, run: FoundRun, number: number | undefined) {
  const attempts = await listAttemptRows(db, tenant, run.id);
  const found = number === undefined ? attempts.at(-1) : attempts.find((attempt) => attempt.number === number);
  if (found === undefined && number !== undefined) throw new SodateError('not-found', { thing: 'attempt', reference: number });
  return found === undefined ? null : { id: found.id as AttemptId, number: found.number, over: found.released_at !== null };
}

/** The log as bytes, from an offset to its present end. The header `sodate-log-end` says where a later request goes on. */
export async function sendRunLog(
  db: Database,
  folders: RunFolders,
  tenant: TenantId,
  run: FoundRun,
  query: LogQuery,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const attempt = await attemptOf(db, tenant, run, query.attempt);
  const log = attempt === null ? null : await openLog(folders.logFile(run.id, attempt.id), query.offset);
  reply.header('content-type', 'text/plain; charset=utf-8').header('content-disposition', `inline; filename="${run.kind}-${run.number}.log"`);
  reply.header('sodate-log-attempt', attempt?.number ?? 0).header('sodate-log-end', log?.size ?? 0);
  if (log === null || log.start >= log.size) {
    await log?.close();
    return void reply.send('');
  }
  // The end is fixed now: a job that writes faster than the reader reads must not make an answer without end.
  const stream = log.handle.createReadStream({ start: log.start, end: log.size - 1, highWaterMark: 1024 * 1024 });
  request.raw.on('close', () => stream.destroy());
  await reply.header('content-length', log.size - log.start).send(stream);
}

/**
 * The log as it grows. A message's id is `<attempt>:<offset>`, the place where the next one begins, so a reader that
 * comes back with it misses nothing and gets nothing twice. After the last attempt's last byte comes `end`.
 */
export async function followRunLog(parts: {
  readonly db: Database;
  readonly folders: RunFolders;
  readonly changes: ChangeFeed;
  readonly clock: Clock;
  readonly tenant: TenantId;
  readonly run: FoundRun;
  readonly query: LogQuery;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}): Promise<void> {
  const { db, folders, changes, clock, tenant, run, query, request, reply } = parts;
  const resumed = /^(\d+):(\d+)$/.exec(String(request.headers['last-event-id'] ?? ''));
  const wanted = resumed ? Number(resumed[1]) : query.attempt;
  let attempt = await attemptOf(db, tenant, run, wanted);
  let offset = resumed ? Number(resumed[2]) : query.offset;
  const stream = openEventStream(request, reply);
  const hint = { changed: true };
  const unsubscribe = changes.subscribe((change) => {
    if (change === 'reload' || change.id === run.id) hint.changed = true;
  });
  let lookedAt = 0;
  let ended = isEnded(run.state);
  try {
    while (!stream.signal.aborted) {
      // The state is read before the bytes: when it says that the attempt is over, the bytes read afterwards are all there are.
      if (hint.changed || clock.now().getTime() - lookedAt > STATE_POLL_MS) {
        hint.changed = false;
        lookedAt = clock.now().getTime();
        attempt = await attemptOf(db, tenant, run, attempt?.number ?? wanted);
        const state = await db.selectFrom('runs').select('state').where('id', '=', run.id).executeTakeFirst();
        ended = state === undefined || isEnded(state.state as FoundRun['state']);
      }
      const over = attempt === null ? ended : attempt.over;
      if (attempt !== null) offset = await sendNew(stream, folders.logFile(run.id, attempt.id), attempt.number, offset);
      if (over) {
        const later = query.attempt === undefined ? await laterAttempt(db, tenant, run, attempt?.number ?? 0) : null;
        if (later !== null) {
          attempt = later;
          offset = 0;
          continue;
        }
        if (ended || query.attempt !== undefined) {
          await stream.send('end', { attempt: attempt?.number ?? 0, offset });
          break;
        }
      }
      await clock.sleep(LOG_POLL_MS, stream.signal);
    }
  } finally {
    unsubscribe();
    stream.end();
  }
}

async function laterAttempt(db: Database, tenant: TenantId, run: FoundRun, after: number) {
  const latest = await attemptOf(db, tenant, run, undefined);
  return latest !== null && latest.number > after ? latest : null;
}

async function sendNew(stream: ReturnType<typeof openEventStream>, file: string, attempt: number, from: number): Promise<number> {
  const log = await openLog(file, from);
  if (log === null) return Math.max(0, from);
  let at = log.start;
  try {
    for (let piece = await log.next(); piece !== null && !stream.signal.aborted; piece = await log.next()) {
      at = piece.offset;
      const event: LogEvent = { attempt, offset: at, bytes: piece.bytes.toString('base64') };
      await stream.send('log', event, `${attempt}:${at}`);
    }
  } finally {
    await log.close();
  }
  return at;
}
