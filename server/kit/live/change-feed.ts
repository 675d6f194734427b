import type { Log } from '#kit/log.ts';
import type { ChangeEvent } from '@sodate/contract/live.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import pg from 'pg';
import { z } from 'zod';

/** `tenant: null` concerns everybody, such as a node. */
export interface Change extends ChangeEvent {
  readonly tenant: TenantId | null;
}

export type ChangeListener = (change: Change | 'reload') => void;

/**
 * Says what changed, to readers on this server at once and to other servers of the same database a little later. A hint
 * and nothing more: publish after the commit; a lost one costs a reader its freshness until the next, never correctness.
 * `reload` tells listeners that some may have been missed.
 */
export interface ChangeFeed {
  publish(change: Change): void;
  subscribe(listener: ChangeListener): () => void;
  close(): Promise<void>;
}

const CHANNEL = 'sodate_changes';
/** NOTIFY serialises commits, so changes are sent in one statement of their own this often, not with each transaction. */
const SEND_INTERVAL_MS = 50;
/** PostgreSQL refuses payloads of 8,000 bytes and more. */
const CHANGES_PER_MESSAGE = 40;
const RECONNECT_MS = 1_000;

const Message = z.object({ from: z.string(), changes: z.array(z.custom<Change>((value) => typeof value === 'object' && value !== null)) });

export function makeChangeFeed(options: {
  readonly pool: pg.Pool;
  readonly clientConfig: pg.ClientConfig;
  readonly server: string;
  readonly log: Log;
}): ChangeFeed {
  const { pool, server, log } = options;
  const listeners = new Set<ChangeListener>();
  const tell = (change: Change | 'reload'): void => {
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        log.error({ err: error }, 'a listener for changes failed');
      }
    }
  };
  let waiting: Change[] = [];
  let closed = false;
  let client: pg.Client | null = null;

  const send = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    for (let at = 0; at < batch.length; at += CHANGES_PER_MESSAGE) {
      await pool
        .query('select pg_notify($1, $2)', [CHANNEL, JSON.stringify({ from: server, changes: batch.slice(at, at + CHANGES_PER_MESSAGE) })])
        .catch(() => {});
    }
  };
  const sender = setInterval(() => void (waiting.length > 0 && send()), SEND_INTERVAL_MS);

  const listen = async (): Promise<void> => {
    if (closed) return;
    const next = new pg.Client(options.clientConfig);
    let ended = false;
    const again = (): void => {
      if (ended) return;
      ended = true;
      client = null;
      if (!closed) setTimeout(() => void listen(), RECONNECT_MS).unref();
    };
    next.on('error', again);
    next.on('end', again);
    next.on('notification', (message) => {
      const parsed = Message.safeParse(JSON.parse(message.payload ?? '{}'));
      if (!parsed.success || parsed.data.from === server) return;
      for (const change of parsed.data.changes) tell(change);
    });
    try {
      await next.connect();
      await next.query(`listen ${CHANNEL}`);
      client = next;
      tell('reload');
    } catch {
      await next.end().catch(() => {});
      again();
    }
  };
  void listen();

  return {
    publish(change) {
      tell(change);
      waiting.push(change);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      clearInterval(sender);
      listeners.clear();
      await client?.end().catch(() => {});
    },
  };
}
