import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { freePort } from '#kit/testing/free-port.ts';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { systemClock } from '#kit/clock.ts';

/** A real registry on loopback, which engines talk to without TLS. */
export interface TestRegistry {
  /** `127.0.0.1:<port>`, as it stands before the slash of an image's name. */
  readonly address: string;
  /** Pushes a local image under a name of this registry, which locally stays what it was. Answers the name. */
  push(docker: Docker, image: string, name: string): Promise<string>;
  close(): Promise<void>;
}

export const REGISTRY_USER = { userName: 'worker', password: 'let-me-in' } as const;
/** The registry reads bcrypt only: this is of the password above. */
const HTPASSWD = `${REGISTRY_USER.userName}:$2y$05$abcdefghijklmnopqrstuu3Jd./u/rH1RxB6auX5v7gLP6uWhKCgG\n`;

export const whyNoRegistry = (): string | null => (existsSync('/usr/bin/docker-registry') ? null : 'docker-registry is not installed');

/** Pushes and fails when the answer's stream says so: the engine answers 200 before it begins. */
async function pushImage(docker: Docker, name: string, authconfig: object): Promise<void> {
  const stream = await docker.getImage(name).push({ authconfig });
  let said = '';
  for await (const chunk of stream) said += String(chunk);
  if (said.includes('"errorDetail"')) throw new Error(`${name} could not be pushed: ${said}`);
}

export async function provideTestRegistry(options: { readonly withPassword: boolean }): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-test-registry-'));
  const address = `127.0.0.1:${await freePort()}`;
  const auth = options.withPassword ? `auth: { htpasswd: { realm: test, path: ${join(folder, 'htpasswd')} } }\n` : '';
  await writeFile(join(folder, 'htpasswd'), HTPASSWD);
  await writeFile(
    join(folder, 'config.yml'),
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${join(folder, 'data')} } }\nhttp: { addr: '${address}' }\n${auth}`,
  );
  const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore', env: {} });
  const stopped = new Promise<void>((resolve) => registry.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    registry.kill('SIGKILL');
    await stopped;
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries += 1) {
    if (
      await fetch(`http://${address}/v2/`).then(
        () => true,
        () => false,
      )
    )
      break;
    if (tries > 500 || registry.exitCode !== null) {
      await close();
      throw new Error('The registry does not start');
    }
    await systemClock.sleep(20);
  }
  return {
    address,
    async push(docker, image, name) {
      const full = `${address}/${name}`;
      const colon = full.lastIndexOf(':');
      const target = { repo: full.slice(0, colon), tag: full.slice(colon + 1) };
      const before = await docker
        .getImage(full)
        .inspect()
        .then(
          ({ Id }) => Id,
          () => null,
        );
      await docker.getImage(image).tag(target);
      const { userName: username, password } = REGISTRY_USER;
      await pushImage(docker, full, options.withPassword ? { username, password, serveraddress: address } : {});
      await docker.getImage(full).remove();
      if (before !== null) await docker.getImage(before).tag(target);
      return full;
    },
    close,
  };
}

/** Accepts connections and never says a word. */
export async function provideSilentServer(): Promise<{ readonly address: string; readonly connections: () => number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
