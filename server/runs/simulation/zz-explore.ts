import { openDatabase } from '#kit/db/open-database.ts';
import { migrate } from '#kit/db/migrate.ts';
import { silentLog } from '#kit/log.ts';
import { startThrowawayPostgres } from '#postgres/throwaway-postgres.ts';
import { simulateEngine } from '#runs/simulation/simulate-engine.ts';
import { writeFileSync } from 'node:fs';
const [from, to] = [Number(process.argv[2]), Number(process.argv[3])];
const pgs = await startThrowawayPostgres();
const m = openDatabase(pgs.connection, silentLog, 1);
await m.pool.query('create database x');
await m.pool.query("alter database x set lock_timeout='25ms'");
await m.pool.query('alter database x set synchronous_commit=off');
await m.close();
const d = openDatabase({ ...pgs.connection, database: 'x' }, silentLog, 24);
await migrate(d.pool, '/work/main/server/migrations', new Date(), silentLog);
const t0 = performance.now();
let runs = 0, attempts = 0, events = 0; const kinds = new Map<string, number[]>();
for (let seed = from; seed < to; seed++) {
  const t = performance.now();
  const r = await Promise.race([simulateEngine(d, seed).catch((e) => ({ broken: ['THREW ' + e.stack], trace: [] as string[], runs: 0, attempts: 0 })), new Promise<never>((_, rej) => setTimeout(() => rej(new Error('hang seed ' + seed)), 120000).unref())]);
  runs += r.runs; attempts += r.attempts; events += r.trace.length;
  if (process.argv[4] === 'v') console.log(seed, Math.round(performance.now() - t), r.trace.length);
  if (r.broken.length) {
    const kind = r.broken[0]!.split('\n').slice(0, 2).join(' ').replace(/run-\d+/g, 'run').replace(/\d+/g, 'N').slice(0, 200);
    if (!kinds.has(kind)) writeFileSync(`/tmp/seed-${seed}.txt`, r.broken.join('\n') + '\n\n' + r.trace.join('\n'));
    kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  }
}
const s = (performance.now() - t0) / 1000;
console.log(`${to - from} seeds in ${s.toFixed(1)} s, ${runs} runs, ${attempts} attempts, ${events} events`);
for (const [k, v] of [...kinds].sort((a, b) => b[1].length - a[1].length)) console.log(v.length, k, '||', v.slice(0, 6).join());
await d.close(); await pgs.stop();
