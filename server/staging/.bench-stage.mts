import { openDatabase } from '/work/main/server/kit/db/open-database.ts';
import { migrate } from '/work/main/server/kit/db/migrate.ts';
import { silentLog } from '/work/main/server/kit/log.ts';
import { makeStageFolders } from '/work/main/server/staging/staging.ts';
import { makeFileSystemObjectStore } from '/work/main/server/kit/object-store/file-system-object-store.ts';
import { newId } from '/work/main/server/kit/ids.ts';
import fs from 'node:fs'; import { execFileSync } from 'node:child_process'; import { sql } from '/work/main/node_modules/kysely/dist/esm/index.js';
import path from 'node:path';
const home = fs.mkdtempSync('/tmp/bench-stage-');
const m = openDatabase({ host: '/tmp/devpg', user: 'sodate', database: 'postgres' }, silentLog, 1);
const name = 'bench_stage'; await m.pool.query(`drop database if exists ${name}`); await m.pool.query(`create database ${name}`);
const d = openDatabase({ host: '/tmp/devpg', user: 'sodate', database: name }, silentLog);
await migrate(d.pool, '/work/main/server/migrations', new Date(), silentLog);
const store = makeFileSystemObjectStore({ home });
const db = d.db; const now = new Date(); const tenant = newId<any>(), user = newId<any>();
await db.insertInto('tenants').values({ id: tenant, name: 'team', display_name: 'Team', created_at: now }).execute();
await db.insertInto('users').values({ id: user, name: 'hana', display_name: 'h', system_admin: false, created_at: now }).execute();
const ds = newId<any>();
await db.insertInto('datasets').values({ tenant_id: tenant, id: ds, name: 'd', memo: '', flat: false, locked_at: now, entry_count: 100, created_by: user, created_at: now }).execute();
for (let n = 0; n < 100; n++) {
  const data = newId<any>();
  await db.insertInto('data').values({ tenant_id: tenant, id: data, name: 'x', memo: '', tags: [], file_count: 1000, created_by: user, created_at: now }).execute();
  await db.insertInto('dataset_entries').values({ tenant_id: tenant, dataset_id: ds, type: 'training', data_id: data }).execute();
  const blobs = Array.from({ length: 1000 }, (_, i) => newId<any>());
  for (const b of blobs) { const dir = path.join(home, 'objects', tenant, b.slice(-2)); fs.mkdirSync(dir, { recursive: true }); fs.writeFileSync(path.join(dir, b), 'x', { mode: 0o444 }); }
  await db.insertInto('blobs').values(blobs.map((id) => ({ tenant_id: tenant, id, digest: id, size: 1, created_at: now }))).execute();
  await db.insertInto('data_files').values(blobs.map((id, i) => ({ tenant_id: tenant, data_id: data, id: newId<any>(), name: `f${i}.png`, blob_id: id, created_at: now }))).execute();
}
await sql`analyze`.execute(db);
const run = newId<any>();
await db.insertInto('runs').values({ tenant_id: tenant, id: run, kind: 'training', number: 1, name: 'r', memo: '', tags: [], state: 'queued', request: '{}', warnings: '[]', image: 'host', cpu_milli: 1, memory_bytes: 1, gpus: 0, priority: 0, shape: 's', retries: '{}', created_by: user, created_at: now, queued_at: now, due_at: now } as any).execute();
const staging = makeStageFolders({ db, git: null as any, objectStore: store, home, timeZone: 'UTC' });
const plan = { items: [{ name: 'dataset', kind: 'dataset', dataset: ds }] } as any;
const go = async () => { const t = performance.now(); const s = await staging.realise(newId<any>(), run, plan, { jobUser: null, copyInputs: false }, new AbortController().signal); return [performance.now() - t, s.folders.get('dataset')] as const; };
for (let round = 0; round < 3; round++) {
  let worst = 0, last = performance.now(); const timer = setInterval(() => { const n = performance.now(); worst = Math.max(worst, n - last - 5); last = n; }, 5);
  const [ms, folder] = await go(); clearInterval(timer);
  const [again] = await go();
  const t = performance.now(); execFileSync('cp', ['-al', folder!, path.join(home, 'cp')]); const cp = performance.now() - t;
  console.log({ stage: Math.round(ms), again: Math.round(again * 10) / 10, cp: Math.round(cp), ratio: (ms / cp).toFixed(2), worstStall: Math.round(worst) });
  execFileSync('rm', ['-rf', path.join(home, 'cp')]);
  const r = performance.now(); await staging.removeStagedDataset(ds); console.log('remove', Math.round(performance.now() - r));
}
await staging.close(); await store.close(); await d.close(); await m.pool.query(`drop database ${name}`); await m.close(); fs.rmSync(home, { recursive: true });
