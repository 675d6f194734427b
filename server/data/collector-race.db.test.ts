import { collectUnusedBlobs } from '#data/collect-blobs.ts';
import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { sweepObjects } from '#data/sweep-objects.ts';
import { datasetFiles } from '#datasets/datasets.ts';
import { holdRemovals } from '#kit/db/hold-removals.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { makeRandom } from '#runs/simulation/random.ts';
import { makeClient } from '@sodate/client/make-client.ts';
import { nodeDigests } from '@sodate/client/node-digests.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import type { DatasetId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';

const WORKERS = 6;
const ROUNDS = 10;
const CONTENTS = 6;
const HOUR_MS = 3_600_000;
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
/** Few contents, so that what one worker removes another is storing at the same moment. */
const contentOf = (index: number): Buffer => Buffer.from(`content ${index % CONTENTS}`.repeat(1 + (index % CONTENTS)));

describe('uploads, deletions, staging, backups and the collector, all at once', () => {
  const database = useTestDatabase(16);

  it.each([1, 2])('leave every row its bytes and no bytes without a row (seed %i)', { timeout: 120_000 }, async (seed) => {
    const platform = await openTestPlatform(database().db);
    try {
      const staged = { files: 0 };
      await Promise.all([
        ...Array.from({ length: WORKERS }, (_nothing, worker) => work(platform, seed * 100 + worker, staged)),
        collectAllTheTime(platform),
        holdNowAndThen(platform, seed),
      ]);
      expect(staged.files).toBeGreaterThan(0);
      const swept = () => sweepObjects(platform.parts, new Date(Date.now() + 100 * HOUR_MS));
      await swept();
      await checkEverything(platform);
      // Nothing else is left, and a second sweep finds nothing to do.
      expect(await swept()).toEqual({ expiredUploads: 0, leftovers: 0, blobs: 0 });
    } finally {
      await platform.close();
    }
  });

  async function work(platform: TestPlatform, seed: number, staged: { files: number }): Promise<void> {
    const random = makeRandom(seed);
    const client = makeClient({ server: platform.url, token: 'anybody' });
    const mine: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const choice = random.int(5);
      const data = mine[random.int(Math.max(1, mine.length))];
      if (choice <= 1 || data === undefined) {
        const { body } = await platform.call('POST', 'data', { name: 'd' });
        mine.push(body.id);
        const files = Array.from({ length: 1 + random.int(4) }, (_nothing, index) => ({ name: `f${index}`, bytes: contentOf(random.int(100)) }));
        await uploadFiles(client, {
          tenant: platform.tenant,
          data: body.id,
          digests: nodeDigests,
          bundleUpToBytes: random.int(2) === 0 ? 0 : undefined,
          files: files.map(({ name, bytes }) => ({
            name,
            size: bytes.length,
            read: (start, end) => Promise.resolve(new Uint8Array(bytes.subarray(start, end))),
          })),
        });
      } else if (choice === 2) {
        await platform.call('DELETE', `data/${data}`);
        mine.splice(mine.indexOf(data), 1);
      } else if (choice === 3) {
        const { body } = await platform.call('GET', `data/${data}/files`);
        if (body.items?.[0]) await platform.call('DELETE', `data/${data}/files/${body.items[0].id}`);
      } else await stage(platform, data, staged);
    }
  }

  /** As a run does: the data set is locked, then its files are linked. What is locked cannot lose its files. */
  async function stage(platform: TestPlatform, data: string, staged: { files: number }): Promise<void> {
    const { status, body } = await platform.call('POST', 'datasets', { name: 's', entries: { training: [data] } });
    if (status !== 201) return;
    await database().pool.query('update datasets set locked_at = now() where id = $1', [body.id]);
    const folder = path.join(platform.home, 'staged-in-test', body.id);
    await mkdir(folder, { recursive: true });
    const digests = new Map<string, string>();
    async function* links() {
      for await (const file of datasetFiles(database().db, platform.tenant, body.id as DatasetId)) {
        digests.set(file.name, file.blob.digest);
        yield { blob: file.blob.id, target: path.join(folder, file.name) };
      }
    }
    await platform.parts.store.linkBlobs(platform.tenant, links(), 'link', new AbortController().signal);
    for (const [name, digest] of digests) expect(digestOf(await readFile(path.join(folder, name)))).toBe(digest);
    staged.files += digests.size;
    await database().pool.query('update datasets set locked_at = null where id = $1', [body.id]);
    await platform.call('DELETE', `datasets/${body.id}`);
    await rm(folder, { recursive: true });
  }

  async function collectAllTheTime({ parts }: TestPlatform): Promise<void> {
    for (let pass = 0; pass < 12; pass += 1) {
      await collectUnusedBlobs(parts);
      await sweepObjects(parts, new Date());
    }
  }

  /** A backup that begins and ends at any moment; while it holds, nothing that its snapshot names may go. */
  async function holdNowAndThen({ home, tenant }: TestPlatform, seed: number): Promise<void> {
    const random = makeRandom(seed);
    for (let round = 0; round < 4; round += 1) {
      const client = new pg.Client(database().address);
      await client.connect();
      try {
        expect(await holdRemovals(client)).toBe(true);
        await client.query('begin isolation level repeatable read read only');
        const { rows } = await client.query<{ id: string; digest: string }>('select id, digest from blobs where tenant_id = $1', [tenant]);
        await new Promise((resolve) => setTimeout(resolve, random.int(40)));
        for (const { id, digest } of rows) expect(digestOf(await readFile(path.join(home, 'objects', tenant, id.slice(-2), id)))).toBe(digest);
      } finally {
        await client.end();
      }
    }
  }
  async function checkEverything({ home, tenant, call }: TestPlatform): Promise<void> {
    const { rows } = await database().pool.query<{ id: string; digest: string; used: boolean }>(
      'select id, digest, exists (select from data_files where blob_id = blobs.id) as used from blobs where tenant_id = $1',
      [tenant],
    );
    expect(rows.filter(({ used }) => !used)).toEqual([]);
    const files = (await readdir(path.join(home, 'objects'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
    for (const { id, digest } of rows) expect(digestOf(await readFile(path.join(home, 'objects', tenant, id.slice(-2), id)))).toBe(digest);
    expect(new Set(rows.map(({ digest }) => digest)).size).toBe(rows.length);
    const pending = (await readdir(path.join(home, 'uploads'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile());
    expect(pending.map(({ name }) => name)).toEqual([]);
    expect((await call('GET', 'data?limit=1')).status).toBe(200);
  }
});
