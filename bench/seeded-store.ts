import { systemClock } from '../server/kit/clock.ts';
import { migrate } from '../server/kit/db/migrate.ts';
import { type DatabaseAddress, openDatabase } from '../server/kit/db/open-database.ts';
import { newId } from '../server/kit/ids.ts';
import { silentLog } from '../server/kit/log.ts';
import { makeFileSystemObjectStore } from '../server/kit/object-store/file-system-object-store.ts';
import { objectFolders } from '../server/kit/object-store/object-folders.ts';
import type { BlobId } from '../server/kit/object-store/object-store.ts';
import { makeStageFolders } from '../server/staging/staging.ts';
import type { AttemptId, DatasetId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const FILES_PER_DATA = 10_000;
const CONTENT = 'as small as can be';

export interface SeededStore {
  /** Data with this many files in all, their rows written by SQL and their blobs straight into the store. */
  makeData(files: number): Promise<readonly string[]>;
  /** A locked data set of them. */
  makeDataset(data: readonly string[]): Promise<string>;
  /** Stages it for an attempt. @returns the folder */
  stage(dataset: string): Promise<string>;
  close(): Promise<void>;
}

/** Staging as the server has it, with the built workers, on a database and an object store of its own. */
export async function openSeededStore(options: { readonly server: DatabaseAddress; readonly folder: string; readonly dist: string }): Promise<SeededStore> {
  const { folder } = options;
  const worker = (name: string): URL => pathToFileURL(path.join(options.dist, `${name}.mjs`));
  const maintenance = openDatabase(options.server, silentLog, 1);
  await maintenance.pool.query('create database bench_staging');
  await maintenance.close();
  const { db, pool, close } = openDatabase({ ...options.server, database: 'bench_staging' }, silentLog);
  await migrate(pool, path.join(import.meta.dirname, '../server/migrations'), systemClock.now(), silentLog);
  mkdirSync(folder, { recursive: true });
  const objectStore = makeFileSystemObjectStore({ home: folder, workers: { hash: worker('hash-worker'), link: worker('link-worker') } });
  const git = { ensureCheckout: () => Promise.reject(new Error('no checkout is staged here')), holding: <Result>(work: () => Promise<Result>) => work() };
  const staging = makeStageFolders({ db, git, objectStore, home: folder, timeZone: 'UTC', workerUrl: worker('staging-worker') });
  const objects = objectFolders(folder);
  const tenant = newId<TenantId>();
  const user = newId<string>();
  const run = newId<RunId>();
  await pool.query(`insert into users (id, name, display_name, created_at) values ($1, 'bench', 'Bench', now())`, [user]);
  await pool.query(`insert into tenants (id, name, display_name, created_at) values ($1, 'bench', 'Bench', now())`, [tenant]);
  await pool.query(
    `insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape, retries, created_by, created_at, queued_at, due_at)
     values ($1, $2, 'training', 1, 'stages', '', '{}', 'starting', '{}', '[]', 'host', 1, 1, 0, 0, '', '{}', $3, now(), now(), now())`,
    [tenant, run, user],
  );

  return {
    async makeData(files) {
      const made: string[] = [];
      for (let at = 0; at < files; at += FILES_PER_DATA) {
        const count = Math.min(FILES_PER_DATA, files - at);
        const blobs = Array.from({ length: count }, () => newId<BlobId>());
        for (const blob of blobs) {
          mkdirSync(objects.blobFolder(tenant, blob), { recursive: true });
          writeFileSync(objects.blobFile(tenant, blob), CONTENT, { mode: 0o444 });
        }
        const data = newId<string>();
        made.push(data);
        await pool.query(`insert into blobs (tenant_id, id, digest, size, created_at) select $1, b, 'sha256:' || b, $3, now() from unnest($2::uuid[]) b`, [
          tenant,
          blobs,
          CONTENT.length,
        ]);
        await pool.query(
          `insert into data (tenant_id, id, name, memo, tags, file_count, created_by, created_at) values ($1, $2, 'many', '', '{}', $3, $4, now())`,
          [tenant, data, count, user],
        );
        await pool.query(
          `insert into data_files (tenant_id, data_id, id, name, blob_id, created_at) select $1, $2, gen_random_uuid(), 'image-' || lpad(n::text, 6, '0') || '.png', b, now() from unnest($3::uuid[]) with ordinality as f(b, n)`,
          [tenant, data, blobs],
        );
      }
      await pool.query('analyze');
      return made;
    },
    async makeDataset(data) {
      const dataset = newId<string>();
      await pool.query(
        `insert into datasets (tenant_id, id, name, memo, flat, locked_at, entry_count, created_by, created_at) values ($1, $2, 'many', '', false, now(), $3, $4, now())`,
        [tenant, dataset, data.length, user],
      );
      await pool.query(`insert into dataset_entries (tenant_id, dataset_id, type, data_id) select $1, $2, 'training', d from unnest($3::uuid[]) d`, [
        tenant,
        dataset,
        data,
      ]);
      return dataset;
    },
    async stage(dataset) {
      const plan = { items: [{ name: 'dataset', kind: 'dataset', dataset: dataset as DatasetId }] } as const;
      const staged = await staging.realise(newId<AttemptId>(), run, plan, { jobUser: null, copyInputs: false }, new AbortController().signal);
      return staged.folders.get('dataset') ?? '';
    },
    async close() {
      await staging.close();
      await objectStore.close();
      await close();
    },
  };
}
