import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { Secret } from '#config/secret.ts';
import { systemClock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { type Executor, type Exit, type LaunchSpec, type RegistryCredential, type StartPhase, isStartRefused, type StartRefused } from '../executor.ts';
import { thisProcess } from './attempt-folder.ts';
import { LABELS } from './container-spec.ts';
import type { DockerOptions } from './docker-executor.ts';
import type { DockerHandle } from './docker-handle.ts';
import { type DockerHarness, makeDockerHarness, readWholeLog } from './docker-harness.ts';
import { engineOrReason, type TestEngine } from './testing/test-engine.ts';
import { importFiller, importImage, provideTestImages, TEST_IMAGES } from './testing/test-images.ts';
import { provideSilentServer, provideTestRegistry, REGISTRY_USER, type TestRegistry, whyNoRegistry } from './testing/test-registry.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('images of the Docker executor', () => it.skip(`run as they should (skipped: ${engine})`, () => {}));
} else {
  await provideTestImages(engine.docker);
  afterAll(() => engine.close());
  describeImages(engine);
  const noRegistry = whyNoRegistry();
  if (noRegistry === null) describePulls(engine);
  else describe('pulls', () => it.skip(`are told apart (skipped: ${noRegistry})`, () => {}));
}

const never = (): AbortSignal => new AbortController().signal;
const script = (text: string): LaunchSpec['command'] => ({ kind: 'script', text });
const list = (...argv: string[]): LaunchSpec['command'] => ({ kind: 'list', argv });

async function exitOf(executor: Executor<DockerHandle>, handle: DockerHandle): Promise<Exit> {
  for (let tries = 0; tries < 3000; tries += 1) {
    const seen = await executor.observe(handle);
    if (seen.state === 'exited') return seen.exit;
    await systemClock.sleep(10);
  }
  throw new Error('It does not end');
}

async function runToEnd(executor: Executor<DockerHandle>, spec: LaunchSpec): Promise<{ handle: DockerHandle; exit: Exit; log: string }> {
  const handle = await executor.start(spec, never());
  const exit = await exitOf(executor, handle);
  return { handle, exit, log: (await readWholeLog(executor, handle)).toString() };
}

async function refusalOf(starting: Promise<unknown>): Promise<StartRefused> {
  const error: unknown = await starting.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isStartRefused(error)) throw new Error(`It was not refused: ${String(error)}`, { cause: error });
  return error;
}

function describeImages(on: TestEngine): void {
  describe('images of the Docker executor', () => {
    let harness: DockerHarness;
    let executor: Executor<DockerHandle>;
    beforeEach(async () => {
      harness = await makeDockerHarness(on);
      executor = await harness.openWith({});
    });
    afterEach(() => harness.close());

    it('a script runs by bash where the image has it', async () => {
      const { log } = await runToEnd(
        executor,
        harness.spec({ image: TEST_IMAGES.bash, command: script('words=(a b); echo "${words[1]}"; echo "${BASH_VERSION:+bash}"') }),
      );
      expect(log).toBe('b\nbash\n');
    });

    it('a script runs by sh where there is no bash', async () => {
      const { log, exit } = await runToEnd(executor, harness.spec({ image: TEST_IMAGES.sh, command: script('echo "${BASH_VERSION:-no bash}"; exit 4') }));
      expect(log).toBe('no bash\n');
      expect(exit.code).toBe(4);
    });

    it('without any shell a script is refused, with what to do, and a list runs', async () => {
      const refused = await refusalOf(executor.start(harness.spec({ image: TEST_IMAGES.bare, command: script('echo x') }), never()));
      expect(refused.failureClass).toBe('user-error');
      expect(refused.message).toMatch(/no shell.*list/);
      const { log } = await runToEnd(executor, harness.spec({ image: TEST_IMAGES.bare, command: list('cat', '/kqi/input/meta.json') }));
      expect(log).toBe('{}');
    });

    it('a job runs as the user of its image, who can write its output', async () => {
      const spec = harness.spec({ image: TEST_IMAGES.user, command: script('id -u; id -g; id -un; echo mine >/kqi/output/mine && echo written; echo $HOME') });
      const { log } = await runToEnd(executor, spec);
      expect(log).toBe('1234\n2345\nworker\nwritten\n/home/worker\n');
      expect(await harness.output(spec.attempt, 'mine')).toBe('mine\n');
    });

    it('our command, working directory and health check win over those of the image, and its volumes go with it', async () => {
      const before = (await on.docker.listVolumes()).Volumes?.length ?? 0;
      const spec = harness.spec({ image: TEST_IMAGES.stubborn, command: script('pwd; echo "$FROM_IMAGE"; touch /stuff/x; sleep 2; ls /tmp') });
      const { handle, log } = await runToEnd(executor, spec);
      expect(log).toBe('/kqi/tmp\nyes\n');
      expect((await on.docker.listVolumes()).Volumes?.length).toBe(before + 1);
      await executor.remove(handle);
      expect((await on.docker.listVolumes()).Volumes?.length ?? 0).toBe(before);
    });

    it('is not found by the id that the engine gave it, nor by its beginning: nobody would have shown that they may have it', async () => {
      const { Id } = await on.docker.getImage(TEST_IMAGES.bare).inspect();
      for (const image of [Id, Id.slice(0, 'sha256:'.length + 12)]) {
        expect((await on.docker.getImage(image).inspect()).Id, 'what the engine finds').toBe(Id);
        expect((await refusalOf(executor.start(harness.spec({ image, command: list('cat', '/kqi/input/meta.json') }), never()))).failureClass).toBe(
          'image-pull',
        );
      }
    });

    it('a program that is not in the image, or is none, is the user’s error', async () => {
      expect((await runToEnd(executor, harness.spec({ image: TEST_IMAGES.sh, command: list('no-such-program') }))).exit).toMatchObject({
        code: 127,
        failure: { class: 'user-error', words: { params: { program: '"no-such-program"' } } },
      });
      expect((await runToEnd(executor, harness.spec({ image: TEST_IMAGES.bash, command: list('/etc/passwd') }))).exit).toMatchObject({
        code: 126,
        failure: { class: 'user-error', words: { params: { program: '"/etc/passwd"' } } },
      });
    });

    it('what a container may not do: capabilities, privileges, swap, memory of /dev/shm', async () => {
      const { handle, log } = await runToEnd(
        executor,
        harness.spec({
          image: TEST_IMAGES.bash,
          limits: { memoryBytes: 128 * 2 ** 20 },
          command: script(
            'grep -E "^(CapBnd|NoNewPrivs)" /proc/self/status; df -k /dev/shm | tail -1 | sed "s/  */ /g" | cut -d" " -f2; hostname; cat /proc/1/comm',
          ),
        }),
      );
      const mask = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(log)?.[1]}`);
      const [shm, host, first] = log.trim().split('\n').slice(-3);
      expect(log).toMatch(/NoNewPrivs:\s*1/);
      for (const bit of [13n /* NET_RAW */, 27n /* MKNOD */, 29n /* AUDIT_WRITE */, 21n /* SYS_ADMIN */]) expect((mask >> bit) & 1n).toBe(0n);
      expect((mask >> 0n) & 1n).toBe(1n);
      expect(shm).toBe(String(64 * 1024));
      expect(host).toBe('training-12');
      expect(first).toBe('docker-init');
      const inspected = await on.docker.getContainer(handle.container ?? '').inspect();
      expect(inspected.HostConfig).toMatchObject({ Privileged: false, MemorySwap: 128 * 2 ** 20, PidsLimit: 256, NanoCpus: 1e9 });
      const strict: LaunchSpec = { ...harness.spec({ image: TEST_IMAGES.bash, command: script('grep CapBnd /proc/self/status') }), capabilities: 'none' };
      const { log: strictLog } = await runToEnd(executor, strict);
      expect(strictLog).toMatch(/0000000000000000/);
    });

    it('an image for another processor is refused', async () => {
      const refused = await refusalOf(executor.start(harness.spec({ image: TEST_IMAGES.foreign, command: script('echo x') }), never()));
      expect(refused.failureClass).toBe('image-pull');
      expect(refused.message).toContain('linux/s390x');
    });

    it('a registry that hangs is given up, and so is a start that is aborted meanwhile', async () => {
      const silent = await provideSilentServer();
      try {
        const patient = await harness.openWith({ stalledPullMs: 1500 });
        const image = `${silent.address}/team/model:1`;
        const refused = await refusalOf(patient.start(harness.spec({ image, command: script('echo x') }), never()));
        expect(refused.failureClass).toBe('image-pull');
        expect(refused.message).toContain('has not answered for 1.5 s');
        const abort = new AbortController();
        const starting = executor.start(harness.spec({ image, command: script('echo x') }), abort.signal, ({ phase }) => {
          if (phase === 'pulling') abort.abort();
        });
        await expect(starting).rejects.toThrow('abort');
      } finally {
        await silent.close();
      }
    });

    it('the labels that an image brings along make no container of it one of ours', async () => {
      const { installation } = harness.options();
      const stranger = newId<AttemptId>();
      const image = 'sodate-test/pretender:1';
      const labels = [`LABEL ${LABELS.installation}=${installation}`, `LABEL ${LABELS.attempt}=${stranger}`, `LABEL ${LABELS.probe}=nobody`];
      await importImage(on.docker, image, [], labels);
      const bystander = await on.docker.createContainer({ Image: image, Entrypoint: ['/none'], HostConfig: { NetworkMode: 'none' } });
      try {
        expect(await executor.list()).toEqual([]);
        const attempt = await executor.start(harness.spec({ image, command: list('/none') }), never());
        expect((await executor.list()).map((each) => each.attempt)).toEqual([attempt.attempt]);
        await executor.inventory();
        // Closing waits for what the inventory began.
        await executor.close();
        const ids = (await on.docker.listContainers({ all: true })).map(({ Id }) => Id);
        expect(ids).toEqual(expect.arrayContaining([bystander.id, attempt.container]));
      } finally {
        await bystander.remove({ force: true });
      }
    });

    it('what a dead process left of looking into an image goes, and what a live one is at stays', async () => {
      const { installation } = harness.options();
      const me = await thisProcess();
      const other = spawn('sleep', ['600']);
      try {
        const probers = {
          dead: { ...me, startTicks: '1' },
          boot: { ...me, boot: 'another' },
          alive: { pid: other.pid, startTicks: readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19], boot: me.boot },
        };
        const made = new Map<string, string>();
        for (const [name, prober] of Object.entries(probers)) {
          const Labels = { [LABELS.installation]: installation, [LABELS.probe]: JSON.stringify(prober) };
          made.set(
            name,
            (
              await on.docker.createContainer({
                name: `sodate-probe-${randomUUID()}`,
                Image: TEST_IMAGES.sh,
                Entrypoint: ['/never-started'],
                Labels,
                HostConfig: { NetworkMode: 'none' },
              })
            ).id,
          );
        }
        const left = async (): Promise<string[]> => {
          const ids = (await on.docker.listContainers({ all: true })).map(({ Id }) => Id);
          return [...made].filter(([, id]) => ids.includes(id)).map(([name]) => name);
        };
        await executor.inventory();
        await until(async () => (await left()).length === 1);
        expect(await left()).toEqual(['alive']);
      } finally {
        other.kill('SIGKILL');
      }
      await until(async () => {
        await executor.inventory();
        return (await on.docker.listContainers({ all: true, filters: { label: [LABELS.probe] } })).length === 0;
      });
    });

    it('a name that is none is refused', async () => {
      for (const image of ['UPPER/case', 'a b', '', 'sodate-test/sh:', '-x', 'a@sha256:short']) {
        const refused = await refusalOf(executor.start(harness.spec({ image, command: script('echo x') }), never()));
        expect(['image-pull', 'user-error']).toContain(refused.failureClass);
      }
    });
  });
}

function describePulls(on: TestEngine): void {
  describe('pulls of the Docker executor', () => {
    let harness: DockerHarness;
    let registry: TestRegistry;
    const credential = (more: Partial<{ userName: string; password: string }> = {}): RegistryCredential => ({
      registry: registry.address,
      userName: more.userName ?? REGISTRY_USER.userName,
      password: new Secret(more.password ?? REGISTRY_USER.password),
    });
    const specFor = (image: string, registryCredential: RegistryCredential | null): LaunchSpec => ({
      ...harness.spec({ image, command: list('cat', '/kqi/input/meta.json') }),
      registryCredential,
    });
    const has = (image: string): Promise<boolean> =>
      on.docker
        .getImage(image)
        .inspect()
        .then(
          () => true,
          () => false,
        );
    beforeEach(async () => {
      harness = await makeDockerHarness(on);
      registry = await provideTestRegistry({ withPassword: true });
    });
    afterEach(async () => {
      await harness.close();
      await registry.close();
    });

    it('with its credential an image is pulled once for many starts, and its digest is told', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.bare, 'team/bare:1');
      const executor = await harness.openWith({});
      const phases: StartPhase[] = [];
      const specs = [specFor(image, credential()), specFor(image, credential())];
      const handles = await Promise.all(specs.map((spec) => executor.start(spec, never(), (phase) => phases.push(phase))));
      expect(handles[0]?.imageDigest).toMatch(/^sha256:/);
      expect(executor.imageDigest?.(handles[0] as DockerHandle)).toBe(handles[1]?.imageDigest);
      expect(phases.map(({ phase }) => phase)).toContain('pulling');
      expect(await executor.imageInfo?.(image, credential())).toEqual({ digest: handles[0]?.imageDigest, platforms: ['linux/amd64'] });
      const byDigest = `${image.replace(/:1$/, '')}@${handles[0]?.imageDigest}`;
      expect((await executor.start(specFor(byDigest, credential()), never())).imageDigest).toBe(handles[0]?.imageDigest);
    });

    it('wrong and missing credentials, unknown tags and repositories are told apart', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.bare, 'team/bare:1');
      const executor = await harness.openWith({});
      const saying = async (spec: LaunchSpec): Promise<string> => {
        const refused = await refusalOf(executor.start(spec, never()));
        expect(refused.failureClass).toBe('image-pull');
        expect(refused.message).not.toContain(REGISTRY_USER.password);
        return refused.message;
      };
      expect(await saying(specFor(image, null))).toContain('wants a credential');
      expect(await saying(specFor(image, credential({ password: 'wrong' })))).toContain('refuses the stored credential');
      expect(await saying(specFor(`${registry.address}/team/bare:none`, credential()))).toContain('does not exist');
      expect(await saying(specFor(`${registry.address}/team/none:1`, credential()))).toContain('does not exist');
      await expect(executor.imageInfo?.(image, credential({ password: 'wrong' }))).rejects.toSatisfy(isStartRefused);
      await expect(executor.imageInfo?.(`${registry.address}/team/none:1`, credential())).rejects.toSatisfy(isStartRefused);
      expect(await executor.list()).toEqual([]);
    });

    it('an image that one credential pulled is not for somebody without it, though it is here', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.bare, 'team/secret:1');
      const executor = await harness.openWith({});
      await executor.start(specFor(image, credential()), never());
      expect(await has(image)).toBe(true);
      expect((await refusalOf(executor.start(specFor(image, null), never()))).message).toContain('wants a credential');
      // A later server knows it too.
      const later = await harness.openWith({});
      expect((await refusalOf(later.start(specFor(image, null), never()))).message).toContain('wants a credential');
      await registry.close();
      await later.start(specFor(image, credential()), never());
    });

    it('nor is it by its digest; and an image of the operator stays theirs under its own name, whoever pulled the same one', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.bare, 'team/same:1');
      const executor = await harness.openWith({});
      const { imageDigest } = await executor.start(specFor(image, credential()), never());
      const byDigest = `${image.replace(/:1$/, '')}@${imageDigest}`;
      expect((await refusalOf(executor.start(specFor(byDigest, null), never()))).message).toContain('wants a credential');
      expect((await on.docker.getImage(image).inspect()).Id).toBe((await on.docker.getImage(TEST_IMAGES.bare).inspect()).Id);
      await executor.start(specFor(TEST_IMAGES.bare, null), never());
    });

    it('a moved tag is noticed after its time, and a registry that is down keeps nobody from an image they have had', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.bare, 'team/moving:1');
      let nowMs = systemClock.now().getTime();
      const clock = { ...systemClock, now: () => new Date(nowMs) };
      const executor = await harness.openWith({ clock });
      const first = await executor.start(specFor(image, credential()), never());
      await registry.push(on.docker, TEST_IMAGES.sh, 'team/moving:1');
      nowMs += 60_000;
      const soon = await executor.start(specFor(image, credential()), never());
      expect(soon.imageDigest).toBe(first.imageDigest);
      nowMs += 11 * 60_000;
      const later = await executor.start(specFor(image, credential()), never());
      expect(later.imageDigest).not.toBe(first.imageDigest);
      await registry.close();
      nowMs += 11 * 60_000;
      expect((await executor.start(specFor(image, credential()), never())).imageDigest).toBe(later.imageDigest);
      const other = await refusalOf(executor.start(specFor(image, credential({ userName: 'somebody' })), never()));
      expect(other.message).toContain('does not answer');
    });

    it('an image for another processor is refused after its pull', async () => {
      const image = await registry.push(on.docker, TEST_IMAGES.foreign, 'team/foreign:1');
      const executor = await harness.openWith({});
      expect((await refusalOf(executor.start(specFor(image, credential()), never()))).message).toMatch(/processor|linux\/s390x/);
    });

    it('an image that a killed server was pulling counts as pulled by us, and goes when there is no room', async () => {
      await importFiller(on.docker, 'filler/left:1', randomBytes(2 ** 20));
      const image = await registry.push(on.docker, 'filler/left:1', 'filler/left:1');
      await on.docker.getImage('filler/left:1').remove();
      const first = await harness.openWith({});
      await first.remove(await first.start({ ...specFor(image, credential()), command: list('none') }, never()));
      await first.close();
      // As it stood while the pull was under way.
      const { folder } = harness.options();
      const [own = ''] = await readdir(folder);
      await writeFile(join(folder, own, 'images.json'), JSON.stringify({ images: {}, pulling: [image] }));
      const later = await harness.openWith({ imageBudgetBytes: 1 });
      expect(await has(image)).toBe(true);
      await later.remove(await later.start(harness.spec({ image: TEST_IMAGES.sh, command: script('true') }), never()));
      await until(async () => !(await has(image)));
      expect(await has(TEST_IMAGES.sh)).toBe(true);
    });

    it('pulled images are kept within a budget; the one used last, those in use and the operator’s stay', async () => {
      const names = ['one', 'two', 'three'];
      const pulled: string[] = [];
      for (const name of names) {
        await importFiller(on.docker, `filler/${name}:1`, randomBytes(2 ** 20));
        pulled.push(await registry.push(on.docker, `filler/${name}:1`, `filler/${name}:1`));
        await on.docker.getImage(`filler/${name}:1`).remove();
      }
      const [one = '', two = '', three = ''] = pulled;
      const executor = await harness.openWith({ imageBudgetBytes: 1.5 * 2 ** 20 } satisfies Partial<DockerOptions>);
      // A program that is not in them, since there is none: what is asked here is only what becomes of the image.
      const run = async (image: string): Promise<DockerHandle> => executor.start({ ...specFor(image, credential()), command: list('none') }, never());
      const first = await run(one);
      const second = await run(two);
      expect([await has(one), await has(two)]).toEqual([true, true]);
      await executor.remove(first);
      await until(async () => !(await has(one)));
      expect(await has(two)).toBe(true);
      await executor.remove(second);
      await run(three);
      await until(async () => !(await has(two)));
      expect([await has(three), await has(TEST_IMAGES.bash), await has(TEST_IMAGES.sh)]).toEqual([true, true, true]);
    });
  });
}

async function until(ask: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await ask()) return;
    await systemClock.sleep(20);
  }
  throw new Error('Waited in vain');
}
