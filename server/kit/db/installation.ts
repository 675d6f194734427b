import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';

/** The id of this installation, made at its first start. Engines' labels carry it, so that two installations never meet. */
export async function readInstallation(db: Database, now: Date): Promise<string> {
  await db
    .insertInto('installation')
    .values({ id: newId(), created_at: now })
    .onConflict((conflict) => conflict.column('singleton').doNothing())
    .execute();
  return (await db.selectFrom('installation').select('id').executeTakeFirstOrThrow()).id;
}
