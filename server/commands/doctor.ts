import { type Finding, good } from '#commands/finding.ts';
import { usesDocker } from '#commands/make-executors.ts';
import { findRunningServer } from '#commands/server-record.ts';
import type { Config } from '#config/config.ts';
import { describeGitCopies } from '#git/git.ts';
import { makeLocalProcessExecutor } from '#executors/local-process/local-process-executor.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { SKEW_WORTH_SAYING_MS, START_PATIENCE } from '#kit/object-store/s3/s3-settings.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const FREE_BYTES_WANTED = 2e9;
const ENGINE_PATIENCE_MS = 5_000;

/** Looks at everything Sodate stands on, and says how to mend what is wrong. The exit code is 0 unless something is bad. */
export async function doctor(config: Config, options: { readonly json: boolean }): Promise<void> {
  const findings = [
    await lookAtGit(),
    ...(await lookAtAuthorities(config)),
    await lookAtHome(config),
    await lookAtDisk(config),
    await lookAtGitCopies(config),
    await lookAtPort(config),
    await lookAtSandbox(config),
    ...(await lookAtContainers(config)),
    lookAtDatabase(config),
    ...(await lookAtObjectStore(config)),
  ];
  if (options.json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  else {
    const mark = { good: 'ok   ', worse: 'note ', bad: 'BAD  ' };
    for (const { verdict, about, found, mend } of findings)
      process.stdout.write(`${mark[verdict]} ${about}: ${found}${mend === null ? '' : `\n      → ${mend}`}\n`);
  }
  process.exitCode = findings.some(({ verdict }) => verdict === 'bad') ? 1 : 0;
}

async function lookAtGit(): Promise<Finding> {
  try {
    return good('git', (await promisify(execFile)('git', ['--version'])).stdout.trim());
  } catch {
    return { about: 'git', verdict: 'bad', found: 'not found', mend: 'Install git (Debian: apt-get install git).' };
  }
}

async function lookAtAuthorities({ extraAuthorities }: Config): Promise<readonly Finding[]> {
  if (extraAuthorities === null) return [];
  const about = 'certificates';
  const text = await readFile(extraAuthorities, 'utf8').catch(() => '');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return [good(about, `those of ${extraAuthorities} are trusted too`)];
  const mend = 'Set NODE_EXTRA_CA_CERTS to a file of certificates (PEM) that this user may read, or unset it.';
  return [{ about, verdict: 'worse', found: `${extraAuthorities} holds none that can be read`, mend }];
}

async function lookAtContainers(config: Config): Promise<readonly Finding[]> {
  const about = 'containers';
  if (!usesDocker(config)) return [good(about, 'no Docker engine here; runs use the image host, which is this machine')];
  const [{ openEngine }, { lookAtFirewall }] = await Promise.all([import('#executors/docker/docker-client.ts'), import('#commands/look-at-firewall.ts')]);
  try {
    const engine = openEngine(config.docker.host);
    try {
      const info = (await engine.call((docker) => docker.info(), ENGINE_PATIENCE_MS)) as {
        readonly ServerVersion: string;
        readonly LiveRestoreEnabled?: boolean;
      };
      const found = `Docker ${info.ServerVersion} at ${config.docker.host}`;
      const firewall = await lookAtFirewall(config, engine);
      if (info.LiveRestoreEnabled === true) return [good(about, found), ...firewall];
      const mend = 'Put "live-restore": true into /etc/docker/daemon.json and reload Docker.';
      return [{ about, verdict: 'worse', found: `${found}; containers end whenever it is restarted`, mend }, ...firewall];
    } finally {
      engine.close();
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [{ about, verdict: 'bad', found, mend: 'Start Docker, set DOCKER_HOST, or leave docker out of SODATE_EXECUTORS.' }];
  }
}

async function lookAtHome(config: Config): Promise<Finding> {
  try {
    await access(config.home, constants.W_OK);
    return good('home', config.home);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return good('home', `${config.home}, made at the first start`);
    return { about: 'home', verdict: 'bad', found: `${config.home} cannot be written`, mend: 'Give it to this user, or set SODATE_HOME to another folder.' };
  }
}

async function lookAtDisk(config: Config): Promise<Finding> {
  let folder = config.home;
  for (;;) {
    try {
      const disk = await statfs(folder);
      const free = disk.bavail * disk.bsize;
      if (free >= FREE_BYTES_WANTED) return good('disk', `${(free / 1e9).toFixed(1)} GB free`);
      return {
        about: 'disk',
        verdict: 'worse',
        found: `only ${(free / 1e9).toFixed(1)} GB free at ${folder}`,
        mend: 'Free some space, or put SODATE_HOME on a larger disk.',
      };
    } catch {
      const above = path.dirname(folder);
      if (above === folder) return { about: 'disk', verdict: 'worse', found: 'free space is not known', mend: null };
      folder = above;
    }
  }
}

async function lookAtGitCopies(config: Config): Promise<Finding> {
  const about = 'copies of repositories';
  const { mirrors, checkouts, bytes } = await describeGitCopies(path.join(config.home, 'git'));
  const gigabytes = (count: number): string => (count / 1e9).toFixed(1);
  const found = `${mirrors} mirrors and ${checkouts} checkouts take ${gigabytes(bytes)} of ${gigabytes(config.gitBudgetBytes)} GB`;
  if (bytes <= config.gitBudgetBytes) return good(about, found);
  return { about, verdict: 'worse', found, mend: 'The server removes what is not in use, within a minute. If it stays so, raise SODATE_GIT_BUDGET_GB.' };
}

async function lookAtPort(config: Config): Promise<Finding> {
  const running = await findRunningServer(config.home);
  if (running !== null) return good('server', `runs at ${running.url}`);
  const free = await new Promise<boolean>((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(config.port, config.host, () => probe.close(() => resolve(true)));
  });
  if (free) return good('port', `${config.host}:${config.port} is free`);
  return {
    about: 'port',
    verdict: 'bad',
    found: `${config.host}:${config.port} cannot be used`,
    mend: 'Choose another port: ./sodate up --port N, or set SODATE_PORT.',
  };
}

async function lookAtSandbox(config: Config): Promise<Finding> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-doctor-'));
  try {
    const stage = { realise: () => Promise.reject(new Error('the doctor starts nothing')), discard: async () => {} };
    const executor = await makeLocalProcessExecutor({
      folder,
      platform: 'doctor',
      stage,
      clock: systemClock,
      log: silentLog,
      nodeName: hostname(),
      nodePath: process.execPath,
      isolation: config.isolation,
    });
    const { isolation, enforces } = executor.capabilities;
    await executor.close();
    const limits = Object.entries(enforces)
      .map(([name, enforced]) => `${name} ${enforced ? 'limited' : 'NOT limited'}`)
      .join(', ');
    if (isolation !== 'none') return good('jobs', `${isolation}; ${limits}`);
    return {
      about: 'jobs',
      verdict: 'worse',
      found: `not isolated; ${limits}`,
      mend: 'Good for one trusted user. To keep jobs apart install bubblewrap (Debian: apt-get install bubblewrap).',
    };
  } catch (error) {
    return {
      about: 'jobs',
      verdict: 'bad',
      found: error instanceof Error ? error.message : String(error),
      mend: 'See server/executors/local-process/README.md.',
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const lookAtDatabase = (config: Config): Finding =>
  good('database', config.databaseUrl === null ? 'embedded PostgreSQL, in the home' : 'the one of DATABASE_URL');

async function lookAtObjectStore(config: Config): Promise<readonly Finding[]> {
  const about = 'files';
  if (config.objectStore.kind === 'file-system') return [good(about, 'kept in the home')];
  const { bucket, endpoint } = config.objectStore.s3;
  const [{ openS3 }, { checkS3, clockSkewOf }] = await Promise.all([
    import('#kit/object-store/s3/s3-connection.ts'),
    import('#kit/object-store/s3/check-s3.ts'),
  ]);
  const s3 = openS3(config.objectStore.s3, systemClock, START_PATIENCE);
  try {
    await checkS3(s3);
    const skew = await clockSkewOf(s3);
    const kept = good(about, `kept in the bucket ${bucket} at ${endpoint}, which can be written, read, listed and deleted from`);
    if (skew === null || Math.abs(skew) <= SKEW_WORTH_SAYING_MS) return [kept];
    const found = `differ by ${Math.round(Math.abs(skew) / 1000)} seconds between this machine and ${endpoint}`;
    return [kept, { about: 'clocks', verdict: 'worse', found, mend: 'Synchronise them (NTP): from 15 minutes on S3 refuses every request.' }];
  } catch (error) {
    const found = isSodateError(error) ? String(error.params['reason']) : error instanceof Error ? error.message : String(error);
    return [{ about, verdict: 'bad', found, mend: 'Correct the settings SODATE_S3_…; the key needs to read, write, list and delete in the bucket.' }];
  } finally {
    s3.close();
  }
}
