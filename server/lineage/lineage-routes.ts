import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import { VERSION } from '#kit/version.ts';
import { findPaths } from '#lineage/find-paths.ts';
import type { NodeKey } from '#lineage/lineage-store.ts';
import { readAffected } from '#lineage/read-affected.ts';
import { readLineage } from '#lineage/read-lineage.ts';
import { openLineageLines, sendOpenLineage } from '#lineage/send-open-lineage.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/lineage.ts';

/** `installation`: the id that makes names of this platform's things different from any other's. */
export function bindLineageRoutes(binder: Binder, { db, installation }: { readonly db: Database; readonly installation: string }): void {
  binder.bind(routes.getLineage, async ({ params, query, tenant }) => readLineage(db, tenant.id, await findThing(db, tenant.id, params), query));

  binder.bind(routes.getLineagePaths, async ({ params, query, tenant }) => {
    const to = { kind: query.toKind, id: query.toId };
    return findPaths(db, tenant.id, await findThing(db, tenant.id, params), await findThing(db, tenant.id, to));
  });

  binder.bind(routes.getAffected, async ({ params, tenant }) => readAffected(db, tenant.id, await findThing(db, tenant.id, params)));

  binder.bind(routes.exportOpenLineage, async ({ query, tenant, reply }) => {
    const run = query.run === undefined ? null : await findLivingRun(db, tenant.id, query.run);
    const since = query.since === undefined ? null : new Date(query.since);
    const origin = { namespace: `sodate://${installation}/${encodeURIComponent(tenant.name)}`, producer: `sodate://${installation}`, version: VERSION };
    await sendOpenLineage(reply, openLineageLines(db, { tenant: tenant.id, since, run }, origin));
  });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** People name things by number (`12`, `#12`; runs `training-12`); the graph knows ids. What is not there is left to its reader. */
async function findThing(db: Database, tenant: TenantId, { kind, id }: NodeKey): Promise<NodeKey> {
  // Ids come in either case; the graph knows one.
  if (kind !== 'commit' && UUID.test(id)) return { kind, id: id.toLowerCase() };
  return { kind, id: (await findByNumber(db, tenant, { kind, id })) ?? id };
}

async function findLivingRun(db: Database, tenant: TenantId, reference: string): Promise<string> {
  const { id } = await findThing(db, tenant, { kind: 'run', id: reference });
  const row = UUID.test(id) ? await db.selectFrom('runs').select('id').where('tenant_id', '=', tenant).where('id', '=', id).executeTakeFirst() : undefined;
  if (!row) throw new SodateError('not-found', { thing: 'run', reference });
  return row.id;
}

/** @returns null for what is no number, or nobody's */
async function findByNumber(db: Database, tenant: TenantId, { kind, id }: NodeKey): Promise<string | null> {
  const run = /^([a-z]+)-([1-9][0-9]{0,14})$/.exec(id);
  const number = /^#?([1-9][0-9]{0,14})$/.exec(id);
  const row =
    kind === 'run' && run?.[1] && run[2]
      ? await db
          .selectFrom('runs')
          .select('id')
          .where('tenant_id', '=', tenant)
          .where('kind', '=', run[1])
          .where('number', '=', Number(run[2]))
          .executeTakeFirst()
      : kind === 'data' && number
        ? await db.selectFrom('data').select('id').where('tenant_id', '=', tenant).where('number', '=', Number(number[1])).executeTakeFirst()
        : kind === 'dataset' && number
          ? await db.selectFrom('datasets').select('id').where('tenant_id', '=', tenant).where('number', '=', Number(number[1])).executeTakeFirst()
          : undefined;
  return row?.id ?? null;
}
