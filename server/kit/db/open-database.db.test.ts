import { openDatabase } from '#kit/db/open-database.ts';
import { silentLog } from '#kit/log.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { expect, it } from 'vitest';

const database = useTestDatabase();

it('outlives a connection that is cut while it is in use', async () => {
  const { pool, close } = openDatabase(database().address, silentLog, 2);
  try {
    const client = await pool.connect();
    const over = new Promise<void>((resolve) => client.once('end', () => resolve()));
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const cut = client.query('select pg_sleep(600)');
    const ended = expect(cut).rejects.toThrow(/terminating connection|Connection terminated/);
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    // The socket's own end comes after the statement's.
    await over;
    client.release(true);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await close();
  }
});
