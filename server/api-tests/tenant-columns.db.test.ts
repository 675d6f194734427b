import { useTestDatabase } from '#kit/db/test-database.ts';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * The database itself keeps tenants apart: a row cannot refer to another tenant's, whatever a statement forgot to ask.
 * Read from the catalogue, so that a new table is in it without being listed here.
 */
const database = useTestDatabase();

/** Tables that belong to nobody's tenant, each with the reason. */
const WITHOUT_TENANT: Readonly<Record<string, string>> = {
  git_endpoints: 'made by system admins for the whole installation',
  idempotency_keys: "a user's, who may be in several tenants; the request's address, tenant included, is part of what is compared",
  installation: 'one row about the installation',
  node_executors: 'machines are shared by all tenants',
  node_gpus: 'machines are shared by all tenants',
  nodes: 'machines are shared by all tenants',
  reconciler_leases: 'about servers, not about what people own',
  registries: 'made by system admins for the whole installation',
  schema_migrations: 'about the schema',
  sessions: "a user's, who may be in several tenants",
  sign_in_links: "a user's, who may be in several tenants",
  tenants: 'the tenants themselves',
  users: 'people may be in several tenants',
};

interface ForeignKey {
  readonly name: string;
  readonly table: string;
  readonly target: string;
  readonly columns: readonly string[];
  readonly targets: readonly string[];
}

const found: { tables: string[]; tenantColumns: Map<string, { type: string; notNull: boolean }>; foreignKeys: ForeignKey[] } = {
  tables: [],
  tenantColumns: new Map(),
  foreignKeys: [],
};
const owned = (table: string): boolean => found.tenantColumns.has(table);

beforeAll(async () => {
  const { db } = database();
  const tables = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' order by 1`.execute(db);
  found.tables = tables.rows.map(({ name }) => name);
  const columns = await sql<{ table: string; type: string; not_null: boolean }>`
    select c.relname as table, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped`.execute(db);
  found.tenantColumns = new Map(columns.rows.map(({ table, type, not_null }) => [table, { type, notNull: not_null }]));
  const namesOf = (columnsOf: string, table: string) =>
    sql`(select array_agg(a.attname::text order by k.position) from unnest(${sql.ref(columnsOf)}) with ordinality k(number, position) join pg_attribute a on a.attrelid = ${sql.ref(table)} and a.attnum = k.number)`;
  const keys = await sql<ForeignKey>`
    select con.conname as name, con.conrelid::regclass::text as table, con.confrelid::regclass::text as target,
      ${namesOf('con.conkey', 'con.conrelid')} as columns, ${namesOf('con.confkey', 'con.confrelid')} as targets
    from pg_constraint con where con.contype = 'f' and con.connamespace = 'public'::regnamespace`.execute(db);
  found.foreignKeys = keys.rows;
});

describe('columns of the tenant', () => {
  it('are in every table, or the table says why not', () => {
    expect(found.tables.filter((table) => !owned(table))).toEqual(Object.keys(WITHOUT_TENANT).toSorted());
  });

  it('are ids and never null', () => {
    expect([...found.tenantColumns].filter(([, column]) => column.type !== 'uuid' || !column.notNull)).toEqual([]);
    expect(found.tenantColumns.size).toBeGreaterThan(10);
  });

  it('lead to the tenant, directly or through what the row is part of', () => {
    const without = [...found.tenantColumns.keys()].filter(
      (table) => !found.foreignKeys.some((key) => key.table === table && key.columns.includes('tenant_id')),
    );
    expect(without).toEqual([]);
  });

  it('are part of every reference between two things that tenants own', () => {
    const between = found.foreignKeys.filter(({ table, target }) => owned(table) && owned(target));
    const wrong = between.filter(({ columns, targets }) => {
      const at = columns.indexOf('tenant_id');
      return at < 0 || targets[at] !== 'tenant_id';
    });
    expect(wrong).toEqual([]);
    expect(between.length).toBeGreaterThan(10);
  });

  it('stand in no reference from what no tenant owns to what one does', () => {
    expect(found.foreignKeys.filter(({ table, target }) => !owned(table) && owned(target))).toEqual([]);
  });

  it('keep a row from referring to another tenant', async () => {
    const { db } = database();
    const now = new Date();
    const [user, mine, theirs, dataset, data] = Array.from({ length: 5 }, () => crypto.randomUUID()) as [string, string, string, string, string];
    await db.insertInto('users').values({ id: user, name: 'u', display_name: 'u', created_at: now }).execute();
    await db
      .insertInto('tenants')
      .values([mine, theirs].map((id) => ({ id, name: `t-${id}`, display_name: 't', created_at: now })))
      .execute();
    await db.insertInto('datasets').values({ tenant_id: mine, id: dataset, name: 'x', memo: '', flat: false, created_by: user, created_at: now }).execute();
    await db.insertInto('data').values({ tenant_id: theirs, id: data, name: 'x', memo: '', tags: [], created_by: user, created_at: now }).execute();
    for (const tenant of [mine, theirs]) {
      await expect(
        db.insertInto('dataset_entries').values({ tenant_id: tenant, dataset_id: dataset, type: 'training', data_id: data }).execute(),
      ).rejects.toMatchObject({
        code: '23503',
      });
    }
  });
});
