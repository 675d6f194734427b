import { bindDataRoutes } from '#data/data-routes.ts';
import type { DataParts } from '#data/data-parts.ts';
import { makeUploadGate } from '#data/upload-gate.ts';
import { bindDatasetRoutes } from '#datasets/dataset-routes.ts';
import { systemClock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { makeArchives } from '#kit/archives/archives.ts';
import { makeBinder } from '#kit/http/bind-route.ts';
import type { Access } from '#kit/http/access.ts';
import { makeHttpApp } from '#kit/http/make-http-app.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { bindLineageRoutes } from '#lineage/lineage-routes.ts';
import type { Change } from '#kit/live/change-feed.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';

/** What an answer of the API came to, for tests. */
export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
  readonly headers: Headers;
}

/** Data, data sets and lineage behind a real port, for tests: everybody may do everything in the tenant they name. */
export interface TestPlatform {
  readonly url: string;
  readonly home: string;
  readonly tenant: TenantId;
  readonly user: UserId;
  readonly parts: DataParts;
  readonly published: readonly Change[];
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Creates a data with these files by the whole protocol. */
  dataWith(files: Readonly<Record<string, Uint8Array>>, name?: string): Promise<Answer['body']>;
  upload(data: string, files: Readonly<Record<string, Uint8Array>>): Promise<Answer>;
  close(): Promise<void>;
}

/** `home`: on a folder of the caller's. `goesOnFrom`: as after a restart, with the same home, key and people. `openStore`: another than the file system. */
export async function openTestPlatform(
  db: Database,
  options: { readonly home?: string; readonly goesOnFrom?: TestPlatform; readonly openStore?: (home: string) => ObjectStore } = {},
): Promise<TestPlatform> {
  const { goesOnFrom } = options;
  const givenHome = goesOnFrom?.home ?? options.home;
  const home = givenHome ?? (await mkdtemp(path.join(tmpdir(), 'sodate-data-')));
  const { tenant, user } = goesOnFrom ?? { tenant: newId<TenantId>(), user: newId<UserId>() };
  if (!goesOnFrom) {
    const now = systemClock.now();
    await db
      .insertInto('users')
      .values({ id: user, name: `user-${user}`, display_name: 'Somebody', created_at: now })
      .execute();
    await db
      .insertInto('tenants')
      .values({ id: tenant, name: `tenant-${tenant}`, display_name: 'T', created_at: now })
      .execute();
  }
  const store = options.openStore ? options.openStore(home) : makeFileSystemObjectStore({ home });
  const published: Change[] = [];
  const parts: DataParts = {
    db,
    store,
    gate: makeUploadGate(),
    changes: { publish: (change) => void published.push(change) },
    clock: systemClock,
    log: silentLog,
    signingKey: goesOnFrom?.parts.signingKey ?? randomBytes(32),
  };
  const access: Access = {
    identify: async () => ({ user, name: 'somebody', systemAdmin: true, onlyTenant: null, attempt: null, session: null, token: null }),
    authorise: async (_caller, _permission, name) => ({ id: (name ?? tenant) as TenantId, number: 1, name: 't', role: 'admin' }),
  };
  const app = await makeHttpApp({ logger: pino({ level: 'silent' }), address: () => ({ publicUrl: null }) });
  const binder = makeBinder(app, access, db, systemClock);
  const archives = makeArchives();
  bindDataRoutes(binder, { ...parts, archives });
  bindDatasetRoutes(binder, { ...parts, archives });
  bindLineageRoutes(binder, { db, installation: 'test' });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  const call: TestPlatform['call'] = async (method, at, body, headers = {}) => {
    const bytes = body instanceof Uint8Array;
    const response = await fetch(`${url}${at.startsWith('/v1/') ? at : `/v1/tenants/${tenant}/${at}`}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: bytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text,
    };
  };

  const upload: TestPlatform['upload'] = async (data, files) => {
    const started = await call('POST', `data/${data}/uploads`, { files: Object.entries(files).map(([name, bytes]) => ({ name, size: bytes.length })) });
    if (started.status !== 201) return started;
    for (const one of started.body.uploads) {
      const bytes = files[one.name] ?? new Uint8Array();
      for (let part = 1; part <= one.partCount; part += 1) {
        const sent = await call('PUT', one.partUrl.replace('{part}', String(part)), bytes.subarray((part - 1) * one.partSize, part * one.partSize));
        if (sent.status !== 200) return sent;
      }
    }
    return call('POST', `data/${data}/uploads/complete`, { uploads: started.body.uploads.map(({ id }: { id: string }) => ({ id })) });
  };

  return {
    url,
    home,
    tenant,
    user,
    parts,
    published,
    call,
    upload,
    async dataWith(files, name = 'data') {
      const { body: data } = await call('POST', 'data', { name });
      if (Object.keys(files).length > 0) {
        const stored = await upload(data.id, files);
        if (stored.status !== 201) throw new Error(JSON.stringify(stored.body));
      }
      return data;
    },
    async close() {
      await app.close();
      await store.close();
      if (givenHome === undefined) await rm(home, { recursive: true, force: true });
    },
  };
}
