import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { NodeKey } from '#lineage/lineage-store.ts';
import { readLineage } from '#lineage/read-lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { getLineage } from '@sodate/contract/lineage.ts';

export function bindLineageRoutes(binder: Binder, { db }: { readonly db: Database }): void {
  binder.bind(getLineage, async ({ params, query, tenant }) => {
    const start = (await findByNumber(db, tenant.id, params)) ?? params;
    return readLineage(db, tenant.id, { kind: start.kind, id: start.id }, query);
  });
}

/** People name things by number (`12`, `#12`; runs `training-12`); edges know ids. null = not a number, or nobody's. */
async function findByNumber(db: Database, tenant: TenantId, { kind, id }: NodeKey): Promise<NodeKey | null> {
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
  return row ? { kind, id: row.id } : null;
}
