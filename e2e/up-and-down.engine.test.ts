import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeClient } from '@sodate/client/make-client.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { getLog, listAttempts } from '@sodate/contract/run-routes.ts';
import { signInByLink } from '@sodate/contract/session.ts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { attemptFolder, readExit } from '../server/executors/local-process/attempt-folder.ts';
import { kill, processesOf } from './home-processes.ts';
import { findTraces } from './home-traces.ts';
import { type Program, makeProgram } from './program.ts';
import { makeTenant, readRun, startScript, TENANT, untilState } from './run-task.ts';
import { ADMIN_PASSWORD, isHealthy, makeTestHome, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** Whole servers are started, several times a test: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000 });

const held: { program: Program | null } = { program: null };
beforeAll(async () => {
  held.program = await makeProgram();
});
afterAll(async () => {
  await held.program?.remove();
});

async function useHome(environment: Readonly<Record<string, string>> = {}): Promise<TestHome> {
  const home = await makeTestHome(held.program?.file ?? '', { environment });
  onTestFinished(() => home.remove());
  return home;
}

const linkIn = (said: string): string | null => /^ {2}(http\S+\/first-sign-in#\S+)$/m.exec(said)?.[1] ?? null;

describe('up --detach, status, doctor and down', () => {
  it('say what is there, with exit codes for scripts; the first sign-in link works once and is printed until it was used', async () => {
    const home = await useHome({ SODATE_ADMIN_PASSWORD: '' });
    const atRest = await home.run(['status', '--json']);
    expect(atRest.code).toBe(3);
    expect(JSON.parse(atRest.stdout)).toMatchObject({ home: home.folder, server: null, healthy: false });
    expect(await home.run(['down'])).toMatchObject({ code: 0, stdout: expect.stringContaining('No server was running') });

    const first = await home.run(['up', '--detach']);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('Sodate is ready at http://127.0.0.1:') });
    const record = await home.serverRecord();
    expect(first.stdout).toContain(`process ${record?.pid}`);
    const status = await home.run(['status', '--json']);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({ healthy: true, server: { pid: record?.pid, url: record?.url }, database: { state: 'running' } });
    expect((await home.run(['status'])).stdout).toContain('serving');
    const doctor = await home.run(['doctor', '--json']);
    expect(doctor.code).toBe(0);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { about: string; verdict: string }[] };
    expect(findings.filter(({ verdict }) => verdict === 'bad')).toEqual([]);
    expect(findings.map(({ about }) => about)).toEqual(expect.arrayContaining(['git', 'home', 'copies of repositories', 'server', 'jobs', 'database']));

    expect(await home.run(['down'])).toMatchObject({ code: 0, stdout: expect.stringContaining('The server has ended') });
    expect(await processesOf(home.folder)).toEqual([]);
    const second = await home.run(['up', '--detach']);
    const [old, link] = [linkIn(first.stdout), linkIn(second.stdout)];
    expect(old).not.toBeNull();
    expect(link).not.toBeNull();
    expect(link?.split('#')[1]).not.toBe(old?.split('#')[1]);
    const { url } = (await home.serverRecord()) ?? { url: '' };
    const redeem = (from: string | null): Promise<string> =>
      makeClient({ server: url })
        .call(signInByLink, { body: { secret: from?.split('#')[1] ?? '', password: ADMIN_PASSWORD, keep: 'token' } })
        .then(
          ({ me }) => me.name,
          (error: unknown) => (isSodateError(error) ? error.code : String(error)),
        );
    expect(await redeem(old), 'the link of the start before').toBe('link-not-valid');
    expect(await redeem(link)).toBe('admin');
    expect(await redeem(link), 'a second time').toBe('link-not-valid');
    await signInAsAdmin(url);
    await home.run(['down']);
    const third = await home.run(['up', '--detach']);
    expect(third).toMatchObject({ code: 0 });
    expect(linkIn(third.stdout)).toBeNull();
    await signInAsAdmin((await home.serverRecord())?.url ?? '');
    expect(await home.run(['down'])).toMatchObject({ code: 0 });
    expect((await readFile(path.join(home.folder, 'server.log'), 'utf8')).length).toBeGreaterThan(0);
    expect(await processesOf(home.folder)).toEqual([]);
  });
});

describe('jobs', () => {
  for (const isolation of ['auto', 'none']) {
    it(`outlive the server; the next start takes them up with their exit codes; down --jobs ends them (SODATE_ISOLATION=${isolation})`, async () => {
      const home = await useHome({ SODATE_ISOLATION: isolation });
      const server = await home.up();
      const client = await signInAsAdmin(server.url);
      const { installation } = await client.call(getHealth);
      await makeTenant(client);
      const script = 'echo begin; until [ -e "$SAKURA_ARTIFACT_DIR/go" ]; do sleep 0.1; done; echo end; exit 7';
      const [alone, later, endless] = [await startScript(client, script), await startScript(client, script), await startScript(client, 'sleep 100000 & wait')];
      for (const run of [alone, later, endless]) await untilState(client, run, 'running');
      const outputOf = (run: string): string => path.join(home.folder, 'runs', run, 'output');

      kill(server.pid, 'SIGTERM');
      expect((await server.ended).code).toBe(0);
      expect(await home.serverRecord()).toBeNull();
      const living = await processesOf(home.folder);
      expect(living.filter(({ command }) => command.includes('postgres'))).toEqual([]);
      expect(living.length, 'the jobs go on').toBeGreaterThanOrEqual(3);
      await writeFile(path.join(outputOf(alone), 'go'), '');
      await until('a job ends while no server runs', () => exitRecorded(home, installation));

      const second = await home.up();
      const again = await signInAsAdmin(second.url);
      expect(await untilState(again, alone, 'failed')).toMatchObject({ exitCode: 7, attempt: 1, failure: { class: 'user-error' } });
      expect(await readRun(again, later)).toMatchObject({ state: 'running', attempt: 1 });
      await writeFile(path.join(outputOf(later), 'go'), '');
      expect(await untilState(again, later, 'failed')).toMatchObject({ exitCode: 7, attempt: 1 });
      expect(await (await again.bytes(getLog, { params: { tenant: TENANT, run: later } })).text()).toBe('begin\nend\n');

      expect(await home.run(['down', '--jobs'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/has ended\. 1 job was ended/) });
      expect(await processesOf(home.folder)).toEqual([]);
      const third = await home.up();
      const afterwards = await signInAsAdmin(third.url);
      // Ended from outside by its operator: not tried again by itself.
      expect(await untilState(afterwards, endless, 'failed')).toMatchObject({ attempt: 1 });
      expect((await afterwards.call(listAttempts, { params: { tenant: TENANT, run: endless } })).items).toMatchObject([{ signal: 'SIGTERM' }]);
      expect(await isHealthy(third.url)).toBe(true);
      expect(await home.run(['down'])).toMatchObject({ code: 0 });
      expect(await findTraces(home.folder, installation)).toEqual([]);
    });
  }
});

/** The monitor of some attempt has written how its job ended. */
async function exitRecorded(home: TestHome, installation: string): Promise<boolean> {
  const folder = path.join(home.folder, 'executors/local-process', installation);
  const exits = (await readdir(folder)).map((attempt) => readExit(attemptFolder(folder, attempt as AttemptId)));
  return exits.some((exit) => exit?.record.kind === 'exit');
}
