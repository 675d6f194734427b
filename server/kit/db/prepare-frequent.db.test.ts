import { useTestDatabase } from '#kit/db/test-database.ts';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';

describe('prepareFrequent', () => {
  const database = useTestDatabase(1);
  const prepared = async (): Promise<string[]> => {
    const { rows } = await database().pool.query<{ statement: string }>("select statement from pg_prepared_statements where name like 'sodate%'");
    return rows.map(({ statement }) => statement);
  };
  const times = async (count: number, ask: (nth: number) => Promise<unknown>): Promise<void> => {
    for (let nth = 0; nth < count; nth += 1) await ask(nth);
  };

  it('prepares what comes again and again, with the same answers, and nothing else', async () => {
    const { db } = database();
    const answers: unknown[] = [];
    await times(40, async (nth) => answers.push((await sql<{ n: number }>`select ${nth}::int + 1 as n`.execute(db)).rows[0]?.n));
    await times(5, () => sql`select ${1}::int as rare`.execute(db));
    await times(40, () => sql`select 1 as bare`.execute(db));
    expect(answers).toEqual(Array.from({ length: 40 }, (_, nth) => nth + 1));
    expect(await prepared()).toEqual(['select $1::int + 1 as n']);
  });

  it('keeps to its limit, and goes on in a transaction after an error', async () => {
    const { db } = database();
    for (let text = 0; text < 140; text += 1) await times(25, () => sql`select ${1}::int as ${sql.ref(`column_${text}`)}`.execute(db));
    expect((await prepared()).length).toBe(128);
    await times(30, () =>
      sql`select ${1}::int / ${0}::int as never`.execute(db).then(
        () => expect.unreachable(),
        () => {},
      ),
    );
    const kept = await db.transaction().execute((tx) => sql<{ n: number }>`select ${41}::int + 1 as n`.execute(tx));
    expect(kept.rows).toEqual([{ n: 42 }]);
  });
});
