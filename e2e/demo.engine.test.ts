import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endProcessesOf, processesOf } from './home-processes.ts';
import { CHECKOUT } from './program.ts';
import { beginProcess, type Ended, isHealthy } from './test-home.ts';

/** What `./sodate` would do first; under this very test run it must not exchange the packages. */
function whyNotHere(): string | null {
  const [wanted, installed] = [path.join(CHECKOUT, 'package-lock.json'), path.join(CHECKOUT, 'node_modules/.sodate-lock')];
  const current = existsSync(installed) && readFileSync(wanted).equals(readFileSync(installed));
  return current ? null : 'the packages here were not installed by ./sodate, which would install them anew; run ./sodate test';
}
const why = whyNotHere();

const NOBODY = 65_534;

function whyNotAsNobody(): string | null {
  if (process.getuid?.() !== 0) return 'only root can start it as another user';
  const readable = spawnSync('test', ['-r', path.join(CHECKOUT, 'dist', 'server.mjs')], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0;
  return readable ? null : `others cannot read ${path.join(CHECKOUT, 'dist')}`;
}

interface Place {
  readonly folder: string;
  /** `./sodate` as a newcomer calls it, everything temporary in a folder of the test's own. */
  sodate(args: readonly string[], environment?: Readonly<Record<string, string>>, uid?: number): Promise<Ended>;
}

async function usePlace(): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-demo-'));
  onTestFinished(async () => {
    await endProcessesOf(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  const base = { PATH: process.env['PATH'], HOME: path.join(folder, 'user'), TMPDIR: path.join(folder, 'tmp') };
  await Promise.all([mkdir(base.HOME), mkdir(base.TMPDIR)]);
  return { folder, sodate: (args, environment, uid) => beginProcess([path.join(CHECKOUT, 'sodate'), ...args], { ...base, ...environment }, uid).ended };
}

/** The cache of the tool that runs our own scripts is not ours. */
const leftIn = async (place: Place, name: string): Promise<string[]> =>
  (await readdir(path.join(place.folder, name))).filter((entry) => !/^(tsx-|node-compile-cache)/.test(entry));

const lastLine = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
const expectedResult = {
  training: 'succeeded',
  inference: 'succeeded',
  accuracy: expect.any(Number),
  submitToStartMs: expect.any(Number),
  seconds: expect.any(Number),
};

describe.skipIf(why !== null)(`./sodate demo${why === null ? '' : ` (skipped: ${why})`}`, () => {
  for (const isolation of ['auto', 'unshare', 'none']) {
    it(`--once --json trains, infers, says so in its last line and leaves nothing behind (SODATE_ISOLATION=${isolation})`, { timeout: 300_000 }, async () => {
      const place = await usePlace();
      const { code, stdout, stderr } = await place.sodate(['demo', '--once', '--json'], { SODATE_ISOLATION: isolation });
      expect(code, stderr).toBe(0);
      const result = lastLine(stdout);
      expect(result).toMatchObject(expectedResult);
      expect((result as { accuracy: number }).accuracy).toBeGreaterThanOrEqual(0.95);
      expect(await processesOf(place.folder)).toEqual([]);
      expect(await leftIn(place, 'tmp')).toEqual([]);
      expect(await leftIn(place, 'user')).toEqual([]);
    });
  }

  it('goes on running, and a second one on the same home works too', { timeout: 300_000 }, async () => {
    const place = await usePlace();
    const home = path.join(place.folder, 'home');
    const first = await place.sodate(['demo', '--home', home, '--port', '0', '--json']);
    expect(first.code, first.stderr).toBe(0);
    const { url } = lastLine(first.stdout) as { url: string };
    expect(lastLine(first.stdout)).toMatchObject(expectedResult);
    expect(await isHealthy(url)).toBe(true);
    const second = await place.sodate(['demo', '--home', home, '--port', '0']);
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout).toMatch(/Accuracy on the test images: 9[5-9]\.\d+ %|Accuracy on the test images: 100/);
    expect(second.stdout).toContain(url);
    expect(second.stdout).toContain('./sodate down');
    expect(await place.sodate(['down'], { SODATE_HOME: home })).toMatchObject({ code: 0, stdout: expect.stringContaining('The server has ended') });
    expect(await processesOf(place.folder)).toEqual([]);
  });

  it('that cannot start says why and exits with another code than 0', { timeout: 120_000 }, async () => {
    const place = await usePlace();
    const { code, stderr } = await place.sodate(['demo', '--once', '--json'], { SODATE_ISOLATION: 'no-such-isolation' });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/error: .*SODATE_ISOLATION/s);
    expect(await processesOf(place.folder)).toEqual([]);
    expect(await leftIn(place, 'tmp')).toEqual([]);
  });

  const notAsNobody = whyNotAsNobody();
  it.skipIf(notAsNobody !== null)(
    `by another user than the checkout's is started and ended like any other${notAsNobody === null ? '' : ` (skipped: ${notAsNobody})`}`,
    { timeout: 300_000 },
    async () => {
      const place = await usePlace();
      const home = path.join(place.folder, 'home');
      await Promise.all([chmod(place.folder, 0o755), mkdir(home)]);
      await Promise.all([home, path.join(place.folder, 'user'), path.join(place.folder, 'tmp')].map((folder) => chown(folder, NOBODY, NOBODY)));
      // Built by whoever owns the checkout; its reader neither can nor needs to.
      expect(await place.sodate(['status'], { SODATE_HOME: home })).toMatchObject({ code: 3 });
      const environment = { SODATE_HOME: home, SODATE_PORT: '0' };
      const up = await place.sodate(['up', '--detach'], environment, NOBODY);
      expect(up.code, up.stderr).toBe(0);
      expect(up.stdout).toContain('Sign in for the first time');
      expect(await place.sodate(['status'], environment, NOBODY)).toMatchObject({ code: 0 });
      expect(await place.sodate(['down'], environment, NOBODY)).toMatchObject({ code: 0 });
      expect(await processesOf(place.folder)).toEqual([]);
    },
  );
});
