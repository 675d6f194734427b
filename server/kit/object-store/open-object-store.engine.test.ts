import { systemClock } from '#kit/clock.ts';
import { readInstallation } from '#kit/db/installation.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';
import { type ObjectStoreSettings, openObjectStore } from '#kit/object-store/open-object-store.ts';
import { startTestS3, type TestBucket, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const whyNot = await whyNoTestS3();

describe.skipIf(whyNot !== null)(`the store that an installation is bound to${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const database = useTestDatabase();
  let s3: TestS3;
  let home = '';
  let bucket: TestBucket;
  beforeAll(async () => {
    s3 = await startTestS3();
  });
  afterAll(() => s3?.stop());
  beforeEach(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'sodate-bound-'));
    bucket = await s3.makeBucket();
    const { db } = database();
    await db.deleteFrom('blobs').execute();
    await readInstallation(db, new Date());
    await db.updateTable('installation').set({ object_store: null }).execute();
  });
  afterEach(() => rm(home, { recursive: true }));

  const start = async (settings: ObjectStoreSettings, installation?: string): Promise<void> => {
    const { db } = database();
    const own = installation ?? (await readInstallation(db, new Date()));
    const store = await openObjectStore({ settings, home, db, installation: own, clock: systemClock, log: silentLog });
    await store.close();
  };
  const inBucket = (of: TestBucket, more: Partial<TestBucket['settings']> = {}): ObjectStoreSettings => ({
    kind: 's3',
    s3: { ...of.settings, ...more },
    cacheBytes: 1e9,
  });
  const storeSomething = async (): Promise<void> => {
    const { db } = database();
    const tenant = newId<string>();
    await db
      .insertInto('tenants')
      .values({ id: tenant, name: `t-${tenant}`, display_name: 'T', created_at: new Date() })
      .execute();
    await db.insertInto('blobs').values({ tenant_id: tenant, id: newId(), digest: 'sha256:x', size: 1, created_at: new Date() }).execute();
  };
  const refusalOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ObjectStoreRefused);
    return (error as Error).message;
  };

  it('starts again and again with the same one, and leaves nothing but its name in the bucket', async () => {
    await start(inBucket(bucket));
    await storeSomething();
    await start(inBucket(bucket));
    expect(await bucket.keys()).toEqual(['some/prefix/sodate-installation']);
  });

  it('may be changed as long as nothing is stored', async () => {
    await start({ kind: 'file-system' });
    await start(inBucket(bucket));
    await start({ kind: 'file-system' });
  });

  it('is not left for another one once files are stored', async () => {
    await start(inBucket(bucket));
    await storeSomething();
    expect(await refusalOf(start({ kind: 'file-system' }))).toMatch(/are in the bucket s3:.*but the settings say the home folder.*Set SODATE_S3_BUCKET/);
    expect(await refusalOf(start(inBucket(await s3.makeBucket())))).toMatch(/a store that holds files cannot be changed/);
    expect(await refusalOf(start(inBucket(bucket, { prefix: 'other/' })))).toMatch(/SODATE_S3_PREFIX as they were/);
    await start(inBucket(bucket));
  });

  it('is not the home any more, nor a bucket yet, when files are in the home', async () => {
    await start({ kind: 'file-system' });
    await storeSomething();
    expect(await refusalOf(start(inBucket(bucket)))).toMatch(/are in the home folder.*Unset SODATE_S3_BUCKET/);
    expect(await bucket.keys()).toEqual([]);
    await start({ kind: 'file-system' });
  });

  it('is not another service that has a bucket of the same name', async () => {
    await start(inBucket(bucket));
    await storeSomething();
    await bucket.remove('some/prefix/sodate-installation');
    expect(await refusalOf(start(inBucket(bucket)))).toMatch(/there are no files of a Sodate installation/);
  });

  it("is not another installation's", async () => {
    await start(inBucket(bucket), newId<string>());
    expect(await refusalOf(start(inBucket(bucket)))).toMatch(/another Sodate installation.*another SODATE_S3_PREFIX/);
    await start(inBucket(bucket, { prefix: '' }));
  });

  it('says what is wrong with the settings, and how to look closer', async () => {
    expect(await refusalOf(start(inBucket(bucket, { bucket: 'no-such-bucket' })))).toMatch(/there is no bucket no-such-bucket.*doctor/);
    expect(await refusalOf(start(inBucket(bucket, { accessKeyId: 'unknown' })))).toMatch(/does not know the access key/);
  });
});
