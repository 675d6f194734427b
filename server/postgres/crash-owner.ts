import { Pool } from 'pg';
import { startEmbeddedPostgres } from './postgres.ts';

/**
 * An owner for the crash tests to kill: starts the database of a folder and writes one row after the other; a line `ack N` is
 * printed only when row N was acknowledged. `node --import tsx crash-owner.ts FOLDER [hold]`
 */
const [folder, mode] = process.argv.slice(2);
if (folder === undefined) throw new Error('which folder?');

const say = (line: string) => process.stdout.write(`${line}\n`);
const tell = (facts: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(facts, Object.getOwnPropertyNames(facts))}\n`);
const database = await startEmbeddedPostgres({ folder, log: { info: tell, warn: tell, error: tell }, onEvent: (event) => say(`event ${event.kind}`) });
say(`ready ${database.how} ${database.pid()}`);

if (mode === 'hold') {
  setInterval(() => undefined, 60_000);
} else {
  const pool = new Pool({ ...database.connection, max: 4 });
  pool.on('error', () => undefined); // idle connections of a killed database
  for (let first = true, number = 0; ; number += 1) {
    try {
      if (first) {
        await pool.query('CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY)');
        number = Number((await pool.query<{ next: string }>('SELECT coalesce(max(number), 0) + 1 AS next FROM written')).rows[0]?.next);
      }
      first = false;
      await pool.query('INSERT INTO written VALUES ($1)', [number]);
      say(`ack ${number}`);
    } catch {
      first = true; // the database was killed under us; supervision brings it back
    }
  }
}
