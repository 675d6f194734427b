import type { Database } from '#kit/db/open-database.ts';
import { sql } from 'kysely';

/** A fencing token: larger for each later holder. Writes made under it check that it is still the newest. */
export type LeaseToken = number;

/**
 * Takes or renews the lease of a worker of which only one may act at a time. A server that holds it already renews it at
 * once; another waits until it has run out.
 * @returns the token, or null while another server holds it
 */
export async function takeReconcilerLease(
  db: Database,
  ask: { readonly name: string; readonly server: string; readonly now: Date; readonly forMs: number },
): Promise<LeaseToken | null> {
  const until = new Date(ask.now.getTime() + ask.forMs);
  const { rows } = await sql<{ token: number }>`
    insert into reconciler_leases as lease (name, holder, token, until) values (${ask.name}, ${ask.server}, 1, ${until})
    on conflict (name) do update
      set holder = excluded.holder, until = excluded.until, token = lease.token + case when lease.holder = excluded.holder then 0 else 1 end
      where lease.holder = excluded.holder or lease.until < ${ask.now}
    returning token`.execute(db);
  return rows[0]?.token ?? null;
}

/** For the beginning of a transaction: holds the lease still until its end, or says that it is lost. */
export async function holdsReconcilerLease(db: Database, name: string, token: LeaseToken): Promise<boolean> {
  const { rows } = await sql`select 1 from reconciler_leases where name = ${name} and token = ${token} for share`.execute(db);
  return rows.length === 1;
}
