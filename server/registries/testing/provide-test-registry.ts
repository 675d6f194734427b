import { systemClock } from '#kit/clock.ts';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';

/** For tests: Docker's own registry, as a process on a port of its own, with its images in a temporary folder. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, as in names of images. It speaks http. */
  readonly address: string;
  /**
   * Puts an image there over its API, without an engine.
   * @returns the manifest's digest
   */
  push(image: TestImage): Promise<string>;
  /** Ends the process and removes the folder. */
  close(): Promise<void>;
}

export interface TestImage {
  /** Such as `team/model`. */
  readonly path: string;
  readonly tag: string;
  /** Tar archives, the lowest first. Without them the image holds nothing. */
  readonly layers?: readonly Uint8Array[];
  /** The part `config` of the image's configuration: `{ Cmd: ['/bin/sh'], Env: […] }`. */
  readonly config?: object;
}

/** Who may read and write at a registry that asks for a password. */
export const TEST_READER = {
  userName: 'reader',
  password: 'a registry password',
  /** The registry knows bcrypt only, which Node has not: made once with `perl -e 'print crypt(…)'`, at its lowest cost. */
  htpasswd: 'reader:$2y$04$abcdefghijklmnopqrstuuR6lVkwkiDKkZngycuOqgCcGEpGNxN.u',
};

export const hasTestRegistry = (): boolean => {
  try {
    return execFileSync('docker-registry', ['--version']).length > 0;
  } catch {
    return false;
  }
};

/** @param options.signIn only `TEST_READER` may do anything */
export async function startTestRegistry(options: { readonly signIn?: boolean } = {}): Promise<TestRegistry> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-registry-'));
  const config = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: path.join(folder, 'images') } },
    http: { addr: '127.0.0.1:0' },
    ...(options.signIn ? { auth: { htpasswd: { realm: 'test', path: path.join(folder, 'htpasswd') } } } : {}),
  };
  await writeFile(path.join(folder, 'htpasswd'), `${TEST_READER.htpasswd}\n`);
  // JSON is YAML too.
  await writeFile(path.join(folder, 'config.yml'), JSON.stringify(config));
  const server = spawn('docker-registry', ['serve', path.join(folder, 'config.yml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/bin:/bin', OTEL_TRACES_EXPORTER: 'none' },
  });
  const exited = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const close = async (): Promise<void> => {
    server.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await readPort(server.stderr);
    const address = `127.0.0.1:${port}`;
    const authorization = options.signIn ? `Basic ${btoa(`${TEST_READER.userName}:${TEST_READER.password}`)}` : null;
    return { address, close, push: (image) => pushImage({ address, authorization }, image) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** It says in its log on which port it listens, and goes on logging: what follows is read too, lest the pipe fill up. */
async function readPort(log: NodeJS.ReadableStream): Promise<string> {
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: log });
    lines.on('line', (line) => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(port);
      else if (seen.length < 100) seen.push(line);
    });
    lines.on('close', () => reject(new Error(`docker-registry ended at its start: ${seen.join('\n')}`)));
  });
}

interface PushTarget {
  readonly address: string;
  readonly authorization: string | null;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function pushImage(target: PushTarget, image: TestImage): Promise<string> {
  const layers = (image.layers ?? []).map((tar) => ({ tar, bytes: gzipSync(tar) }));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: systemClock.now().toISOString(),
      config: image.config ?? {},
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => digestOf(tar)) },
      history: layers.map(() => ({ created_by: 'a test' })),
    }),
  );
  for (const bytes of [config, ...layers.map((layer) => layer.bytes)]) await pushBlob(target, image.path, bytes);
  const about = (mediaType: string, bytes: Uint8Array): object => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: about('application/vnd.docker.container.image.v1+json', config),
      layers: layers.map(({ bytes }) => about('application/vnd.docker.image.rootfs.diff.tar.gzip', bytes)),
    }),
  );
  await send(
    target,
    'PUT',
    `http://${target.address}/v2/${image.path}/manifests/${image.tag}`,
    manifest,
    'application/vnd.docker.distribution.manifest.v2+json',
  );
  return digestOf(manifest);
}

async function pushBlob(target: PushTarget, image: string, bytes: Buffer): Promise<void> {
  const begun = await send(target, 'POST', `http://${target.address}/v2/${image}/blobs/uploads/`);
  const place = new URL(begun.headers.get('location') ?? '', `http://${target.address}`);
  place.searchParams.set('digest', digestOf(bytes));
  await send(target, 'PUT', place.href, bytes, 'application/octet-stream');
}

async function send(target: PushTarget, method: string, url: string, body?: Buffer, type?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { ...(target.authorization === null ? {} : { authorization: target.authorization }), ...(type === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return response;
}
