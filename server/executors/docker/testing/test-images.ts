import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

/** Images made FROM scratch out of programs of this machine, since nothing can be pulled where tests run. */
export const TEST_IMAGES = {
  /** busybox and `sh`, nothing else. */
  sh: 'sodate-test/sh:1',
  /** bash, busybox, and what the conformance suite's scripts want of coreutils. The user is root. */
  bash: 'sodate-test/bash:1',
  /** One program and no shell: `/bin/cat` and such work, scripts cannot. */
  bare: 'sodate-test/bare:1',
  /** Its USER is `worker`, by name: 1234:2345 in its own /etc/passwd. */
  user: 'sodate-test/user:1',
  /** Its ENTRYPOINT, CMD, HEALTHCHECK, VOLUME, ENV and WORKDIR are all to be overruled. */
  stubborn: 'sodate-test/stubborn:1',
  /** Says that it is for a processor that nobody has. */
  foreign: 'sodate-test/foreign:1',
} as const;

interface File {
  readonly name: string;
  readonly bytes?: Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
}

const find = (program: string): string => {
  const path = ['/bin', '/usr/bin', '/usr/sbin', '/sbin'].map((folder) => `${folder}/${program}`).find((each) => existsSync(each));
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
};

/** A program of this machine with the libraries it is linked to, under the same names. */
async function withLibraries(program: string, as = `/bin/${program}`): Promise<File[]> {
  const path = find(program);
  const { stdout } = await promisify(execFile)('ldd', [path]).catch(() => ({ stdout: '' }));
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
  const files = [{ name: as, bytes: await readFile(path), mode: 0o755 }];
  for (const library of libraries) files.push({ name: library, bytes: await readFile(library), mode: 0o755 });
  return files;
}

const folder = (name: string, mode = 0o755, uid = 0): File => ({ name: `${name}/`, mode, uid });
const text = (name: string, content: string): File => ({ name, bytes: Buffer.from(content), mode: 0o644 });

async function busyboxFiles(applets: readonly string[] | 'all'): Promise<File[]> {
  const bytes = await readFile(find('busybox'));
  const all = (await promisify(execFile)(find('busybox'), ['--list'])).stdout.trim().split('\n');
  const wanted = applets === 'all' ? all.filter((name) => name !== 'busybox') : applets;
  return [{ name: '/bin/busybox', bytes, mode: 0o755 }, ...wanted.map((name) => ({ name: `/bin/${name}`, link: '/bin/busybox' }))];
}

async function tar(files: readonly File[]): Promise<Buffer> {
  const archive = pack();
  const written = new Map(files.map((file) => [file.name, file]));
  for (const { name, bytes, link, mode = 0o755, uid = 0 } of written.values()) {
    const header = { name: name.slice(1), mode, uid, gid: uid };
    if (link !== undefined) archive.entry({ ...header, type: 'symlink', linkname: link });
    else if (name.endsWith('/')) archive.entry({ ...header, type: 'directory' });
    else archive.entry(header, bytes ?? Buffer.alloc(0));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Makes one image of the files given, with Dockerfile instructions on top. Answers its id. */
export async function importImage(docker: Docker, reference: string, files: readonly File[], changes: readonly string[] = []): Promise<string> {
  const colon = reference.lastIndexOf(':');
  const bytes = await tar(files);
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    docker.modem.dial(
      {
        path: '/images/create?',
        method: 'POST',
        options: { fromSrc: '-', repo: reference.slice(0, colon), tag: reference.slice(colon + 1), changes: [...changes] },
        file: bytes,
        isStream: true,
        statusCodes: { 200: true, 500: 'server error' },
      },
      (error, answer) => (error ? reject(error as Error) : resolve(answer as NodeJS.ReadableStream)),
    );
  });
  let said = '';
  for await (const chunk of stream) said += String(chunk);
  if (said.includes('"error"')) throw new Error(`The image ${reference} could not be made: ${said}`);
  return (await docker.getImage(reference).inspect()).Id;
}

/** An import is always for this machine's processor: one for another comes in an archive that says so. */
async function loadForeignImage(docker: Docker, files: readonly File[]): Promise<void> {
  const layer = await tar(files);
  const digest = createHash('sha256').update(layer).digest('hex');
  const config = { architecture: 's390x', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] }, history: [] };
  const manifest = [{ Config: 'config.json', RepoTags: [TEST_IMAGES.foreign], Layers: ['layer.tar'] }];
  const archive = await tar([
    text('/config.json', JSON.stringify(config)),
    text('/manifest.json', JSON.stringify(manifest)),
    { name: '/layer.tar', bytes: layer, mode: 0o644 },
  ]);
  const stream = await docker.loadImage(Readable.from([archive]));
  let said = '';
  for await (const chunk of stream) said += String(chunk);
  if (said.includes('"error"')) throw new Error(`The image for another processor could not be made: ${said}`);
}

/** A small image with some bytes of its own, for tests of the image cache. */
export const importFiller = (docker: Docker, reference: string, bytes: Buffer): Promise<string> =>
  importImage(docker, reference, [{ name: '/filler', bytes, mode: 0o644 }]);

export async function provideTestImages(docker: Docker): Promise<typeof TEST_IMAGES> {
  const base = [folder('/bin'), folder('/tmp', 0o1777), folder('/etc'), folder('/root', 0o700)];
  const accounts = [
    text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nworker:x:1234:2345:a worker:/home/worker:/bin/sh\n'),
    text('/etc/group', 'root:x:0:\nworkers:x:2345:\n'),
  ];
  const everything = [...base, ...accounts, ...(await busyboxFiles('all'))];
  const shell = [...base, ...(await busyboxFiles(['sh', 'cat', 'id', 'sleep', 'echo', 'ls', 'env', 'pwd', 'touch', 'printf', 'seq']))];
  const rich = [...everything, ...(await Promise.all(['bash', 'seq', 'setsid', 'head', 'tail', 'stty'].map((program) => withLibraries(program)))).flat()];
  await importImage(docker, TEST_IMAGES.sh, shell);
  await importImage(docker, TEST_IMAGES.bash, rich, ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
  await importImage(docker, TEST_IMAGES.bare, [...base, ...(await busyboxFiles(['cat', 'true', 'id', 'sleep']))]);
  await importImage(docker, TEST_IMAGES.user, [...everything, folder('/home'), folder('/home/worker', 0o755, 1234)], ['USER worker']);
  await importImage(docker, TEST_IMAGES.stubborn, everything, [
    'ENTRYPOINT ["/bin/echo", "the entry point of the image"]',
    'CMD ["the command of the image"]',
    'HEALTHCHECK --interval=1s CMD touch /tmp/healthcheck-ran',
    'VOLUME /stuff',
    'ENV FROM_IMAGE=yes',
    'WORKDIR /etc',
  ]);
  await loadForeignImage(docker, shell);
  return TEST_IMAGES;
}
