import { systemClock } from '#kit/clock.ts';
import { describeStoreConformance } from '#kit/object-store/object-store-conformance.ts';
import { makeS3ObjectStore } from '#kit/object-store/s3/s3-object-store.ts';
import { startTestS3, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';

const whyNot = await whyNoTestS3();
const held: { s3?: TestS3 } = {};
beforeAll(async () => {
  if (whyNot === null) held.s3 = await startTestS3();
});
afterAll(() => held.s3?.stop());

const server = (): TestS3 => {
  if (!held.s3) throw new Error('The S3 server exists only while tests run');
  return held.s3;
};

/** S3 takes no smaller part but the last. */
const PART = 5 * 1024 * 1024;

describeStoreConformance(
  whyNot === null ? 'an S3 bucket' : `an S3 bucket (skipped: ${whyNot})`,
  PART,
  async () => {
    const bucket = await server().makeBucket();
    const folder = await mkdtemp(path.join(tmpdir(), 'sodate-s3-store-'));
    return {
      folder,
      open: () => makeS3ObjectStore({ settings: bucket.settings, home: path.join(folder, 'home'), cacheBytes: 1e9, clock: systemClock }),
      blobs: async () => (await bucket.keys()).filter((key) => key.startsWith('some/prefix/objects/')).map((key) => key.split('/').at(-1) ?? ''),
      traces: async () => [...(await bucket.keys()), ...(await bucket.multiparts())],
      close: () => rm(folder, { recursive: true }),
    };
  },
  whyNot !== null,
);
