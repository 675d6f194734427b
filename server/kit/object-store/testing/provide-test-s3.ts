import { Secret } from '#config/secret.ts';
import type { S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { CreateBucketCommand, DeleteObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { freePort } from '#kit/testing/free-port.ts';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * A real S3 server for tests: Versity's gateway over a folder, built once from its Go module and kept beside other things
 * that are temporary. Machines without Go or without the module say why, for the name of a skipped suite.
 *
 * Another server is tried by hand: with SODATE_TEST_S3_ENDPOINT (and _ACCESS_KEY_ID, _SECRET_ACCESS_KEY, _REGION) the same
 * suites make their buckets there.
 */
export interface TestS3 {
  readonly endpoint: string;
  /** A fresh, empty bucket. */
  makeBucket(): Promise<TestBucket>;
  stop(): Promise<void>;
}

export interface TestBucket {
  readonly settings: S3Settings;
  keys(): Promise<readonly string[]>;
  /** Keys of multipart uploads that were begun and not ended. */
  multiparts(): Promise<readonly string[]>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const BUILD_LIMIT_MS = 240_000;
const START_LIMIT_MS = 20_000;

/** Why there is no S3 server for tests on this machine; null when there is. Builds it if need be. */
export async function whyNoTestS3(): Promise<string | null> {
  if (givenServer() !== null) return null;
  try {
    await ensureProgram();
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

const holder = (): string =>
  path.join(
    tmpdir(),
    `sodate-test-s3-${createHash('sha256')
      .update(`${MODULE} ${process.getuid?.() ?? 0}`)
      .digest('hex')
      .slice(0, 12)}`,
  );

async function ensureProgram(): Promise<string> {
  const folder = holder();
  const program = path.join(folder, 'versitygw');
  const isThere = (): Promise<boolean> =>
    access(program).then(
      () => true,
      () => false,
    );
  if (await isThere()) return program;
  await promisify(execFile)('go', ['version']).catch(() => {
    throw new Error('Go is not installed');
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const free = await lockFor(path.join(folder, 'lock'));
  try {
    if (await isThere()) return program;
    const fresh = path.join(folder, `build-${randomUUID()}`);
    const environment = [`GOBIN=${fresh}`, 'GOTOOLCHAIN=local', 'GOFLAGS=-buildvcs=false'];
    try {
      await promisify(execFile)('env', [...environment, 'go', 'install', MODULE], { timeout: BUILD_LIMIT_MS }).catch((error: { killed?: boolean }) => {
        throw new Error(error.killed === true ? `${MODULE} was not built in time` : `${MODULE} cannot be built here`);
      });
      await rename(path.join(fresh, 'versitygw'), program);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    return program;
  } finally {
    await free();
  }
}

/** One process builds, the others wait for it. A lock whose process is gone counts for nothing. */
async function lockFor(file: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (owner > 0 && !isAlive(owner)) await rm(file, { force: true });
      else await pause(300);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function startTestS3(): Promise<TestS3> {
  const given = givenServer();
  if (given !== null) return { ...openServer(given), stop: async () => {} };
  const program = await ensureProgram();
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-s3-'));
  const [data, side] = [path.join(folder, 'data'), path.join(folder, 'side')];
  await Promise.all([mkdir(data), mkdir(side)]);
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const accessKeyId = 'test-key';
  const secret = randomUUID();
  const server: ChildProcess = spawn(
    program,
    [
      '--access',
      accessKeyId,
      '--secret',
      secret,
      '--port',
      new URL(endpoint).host,
      '--quiet',
      '--keep-alive',
      '--region',
      'test-region',
      'posix',
      '--sidecar',
      side,
      data,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  await untilAnswers(endpoint, server);
  return {
    ...openServer({ endpoint, region: 'test-region', accessKeyId, secret }),
    async stop() {
      server.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface ServerAddress {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secret: string;
}

/** The server that whoever started the tests named, if any. */
function givenServer(): ServerAddress | null {
  // oxlint-disable-next-line node/no-process-env -- of the tests, not of the program
  const environment = process.env;
  const endpoint = environment['SODATE_TEST_S3_ENDPOINT'] ?? '';
  if (endpoint === '') return null;
  return {
    endpoint,
    region: environment['SODATE_TEST_S3_REGION'] ?? 'us-east-1',
    accessKeyId: environment['SODATE_TEST_S3_ACCESS_KEY_ID'] ?? '',
    secret: environment['SODATE_TEST_S3_SECRET_ACCESS_KEY'] ?? '',
  };
}

function openServer({ endpoint, region, accessKeyId, secret }: ServerAddress): Pick<TestS3, 'endpoint' | 'makeBucket'> {
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: secret },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    endpoint,
    async makeBucket() {
      const bucket = `b-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return {
        settings: {
          endpoint,
          region,
          bucket,
          prefix: 'some/prefix/',
          accessKeyId,
          secretAccessKey: new Secret(secret),
          pathStyle: true,
          publicEndpoint: null,
        },
        keys: async () => ((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key }) => Key ?? ''),
        multiparts: async () => ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(({ Key }) => Key ?? ''),
        put: async (key, bytes) => void (await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))),
        remove: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
      };
    },
  };
}

async function untilAnswers(endpoint: string, server: ChildProcess): Promise<void> {
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  for (;;) {
    if (server.exitCode !== null || limit.aborted) throw new Error('The S3 server for tests does not start');
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await pause(30);
  }
}
