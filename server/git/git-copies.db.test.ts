import { gitIn, hasGit, makeOrigin } from '#git/git-origin.ts';
import { describeGitCopies, type Git, makeGit } from '#git/git.ts';
import { mirrorFolder } from '#git/git-mirror.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import { holdRemovals } from '#kit/db/hold-removals.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { type Log, silentLog } from '#kit/log.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const HOUR_MS = 3_600_000;
const EVERYTHING_GOES = 1;

describe.skipIf(!hasGit())('the budget of mirrors and checkouts (needs the program git)', () => {
  const database = useTestDatabase();
  const base = mkdtempSync(path.join(tmpdir(), 'sodate-git-copies-'));
  const gitRoot = path.join(base, 'repositories');
  const folder = path.join(base, 'home', 'git');
  const endpoint = newId<GitEndpointId>();
  const time = { ahead: 0 };
  const clock: Clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + time.ahead) };
  const opened: Git[] = [];
  const open = (budgetBytes?: number, log: Log = silentLog): Git => {
    const git = makeGit({
      db: database().db,
      folder,
      gitRoot,
      clock,
      log,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
      ...(budgetBytes === undefined ? {} : { budgetBytes }),
    });
    opened.push(git);
    return git;
  };

  beforeAll(async () => {
    mkdirSync(gitRoot, { recursive: true });
    await open().createEndpoint({ id: endpoint, name: 'local', kind: 'local', root: gitRoot });
  });
  afterEach(async () => {
    for (const git of opened.splice(0)) git.close();
    await database().db.deleteFrom('runs').execute();
    rmSync(folder, { recursive: true, force: true });
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  const mirrorOf = (repository: string): string => mirrorFolder(folder, { endpoint, repository });
  const resolve = async (git: Git, repository: string): Promise<string> => (await git.resolveSource({ repository })).commit;

  async function insertRun(repository: string, commit: string, state: 'queued' | 'succeeded'): Promise<RunId> {
    const [tenant, user, run, now] = [newId<TenantId>(), newId<string>(), newId<RunId>(), new Date()];
    const { db } = database();
    await db
      .insertInto('tenants')
      .values({ id: tenant, name: `t-${tenant}`, display_name: 'T', created_at: now })
      .execute();
    await db
      .insertInto('users')
      .values({ id: user, name: `u-${user}`, display_name: 'U', system_admin: false, created_at: now })
      .execute();
    await db
      .insertInto('runs')
      .values({
        tenant_id: tenant,
        id: run,
        kind: 'training',
        number: Math.trunc(Math.random() * 1e9),
        name: 'r',
        memo: '',
        tags: [],
        state,
        request: JSON.stringify({ git: { endpoint: { id: endpoint, name: 'local' }, repository, revision: null, commit } }),
        warnings: '[]',
        image: 'host',
        cpu_milli: 1,
        memory_bytes: 1,
        gpus: 0,
        priority: 0,
        shape: 's',
        retries: '{}',
        created_by: user,
        created_at: now,
        queued_at: now,
        ended_at: state === 'succeeded' ? now : null,
        due_at: now,
      })
      .execute();
    return run;
  }

  it('removes checkouts before mirrors, those first that were not used for longest, until the rest fits', async () => {
    const origin = makeOrigin(gitRoot, 'large');
    const git = open();
    const checkouts: string[] = [];
    for (const round of [1, 2, 3]) {
      const commit = origin.commit({ weights: `${round}`.repeat(1_000_000) });
      await git.ensureMirror(endpoint, 'large', commit);
      checkouts.push(await git.ensureCheckout(endpoint, 'large', commit));
      time.ahead += HOUR_MS;
    }
    const [first = '', second = '', third = ''] = checkouts;
    // The oldest is used again, and a server that is started anew knows it.
    await git.ensureCheckout(endpoint, 'large', path.basename(first));
    await git.keepWithinBudget();
    const { bytes, ...counts } = await describeGitCopies(folder);
    expect(counts).toEqual({ mirrors: 1, checkouts: 3 });
    expect(bytes).toBeGreaterThan(3_000_000);
    const budget = bytes - 1_000_000;
    await open(budget).keepWithinBudget();
    expect(checkouts.map((place) => existsSync(place))).toEqual([true, false, true]);
    expect((await describeGitCopies(folder)).bytes).toBeLessThanOrEqual(budget);
    expect(existsSync(mirrorOf('large'))).toBe(true);
    // Made again when somebody needs it, without the origin.
    rmSync(origin.folder, { recursive: true });
    expect(readFileSync(path.join(await git.ensureCheckout(endpoint, 'large', path.basename(second)), 'weights'), 'utf8')).toHaveLength(1_000_000);
    expect(third).not.toBe(second);
  });

  it('keeps the mirrors of runs that have not ended; of the others, those that no run names go first', async () => {
    const repositories = ['of-waiting-run', 'of-ended-run', 'of-no-run'];
    const git = open();
    for (const [at, name] of repositories.entries()) {
      makeOrigin(gitRoot, name).commit({ a: `${at}` });
      const commit = await resolve(git, name);
      if (at < 2) await insertRun(name, commit, at === 0 ? 'queued' : 'succeeded');
      time.ahead += HOUR_MS;
    }
    await git.keepWithinBudget();
    const { bytes } = await describeGitCopies(folder);
    await open(bytes - 1).keepWithinBudget();
    expect(
      repositories.map((name) => existsSync(mirrorOf(name))),
      'although the one of no run was used last',
    ).toEqual([true, true, false]);
    await open(EVERYTHING_GOES).keepWithinBudget();
    expect(repositories.map((name) => existsSync(mirrorOf(name)))).toEqual([true, false, false]);
    // It comes back from where it came from.
    expect(await resolve(git, 'of-ended-run')).toHaveLength(40);
    expect(existsSync(mirrorOf('of-ended-run'))).toBe(true);
  });

  it('says what is lost when its origin has lost it too', async () => {
    const origin = makeOrigin(gitRoot, 'rewritten');
    const before = origin.commit({ a: 'before' });
    const git = open(EVERYTHING_GOES);
    await git.ensureMirror(endpoint, 'rewritten', before);
    gitIn(origin.folder, 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'another');
    gitIn(origin.folder, 'reflog', 'expire', '--expire=now', '--all');
    gitIn(origin.folder, 'gc', '--quiet', '--prune=now');
    time.ahead += HOUR_MS;
    await git.keepWithinBudget();
    const error: unknown = await git.ensureCheckout(endpoint, 'rewritten', before).catch((thrown: unknown) => thrown);
    expect(isSodateError(error) && error.code).toBe('git-revision-not-found');
  });

  it('keeps a commit that was just resolved for a submission, whose run is not written yet', async () => {
    makeOrigin(gitRoot, 'submitted').commit({ a: '1' });
    const git = open(EVERYTHING_GOES);
    await resolve(git, 'submitted');
    await git.keepWithinBudget();
    expect(existsSync(mirrorOf('submitted'))).toBe(true);
    time.ahead += HOUR_MS;
    await git.keepWithinBudget();
    expect(existsSync(mirrorOf('submitted'))).toBe(false);
  });

  it('removes nothing that somebody holds, and nothing of a mirror while a backup is made', async () => {
    makeOrigin(gitRoot, 'held').commit({ a: '1' });
    const git = open(EVERYTHING_GOES);
    const commit = await resolve(git, 'held');
    const place = await git.holding(async () => {
      const checkout = await git.ensureCheckout(endpoint, 'held', commit);
      time.ahead += HOUR_MS;
      await git.keepWithinBudget();
      expect(readFileSync(path.join(checkout, 'a'), 'utf8')).toBe('1');
      return checkout;
    });
    const backup = new pg.Client(database().address);
    await backup.connect();
    try {
      expect(await holdRemovals(backup)).toBe(true);
      await git.keepWithinBudget();
      expect([existsSync(place), existsSync(mirrorOf('held'))]).toEqual([false, true]);
    } finally {
      await backup.end();
    }
    await expect.poll(async () => git.keepWithinBudget().then(() => existsSync(mirrorOf('held')))).toBe(false);
  });

  it('cannot take away what is just being made or read, however often it looks', async () => {
    const origin = makeOrigin(gitRoot, 'busy');
    // More than readers, so that at any time some are not read and may go.
    const commits = ['1', '2', '3', '4', '5', '6'].map((text) => origin.commit({ a: text, 'b/c': text.repeat(10_000) }));
    const state = { over: false, removals: 0 };
    const git = open(EVERYTHING_GOES, {
      ...silentLog,
      info(_fields, message) {
        if (message.includes('were removed')) state.removals += 1;
      },
    });
    const sweeping = (async () => {
      while (!state.over) {
        // What was resolved for a submission counts as such for a while: here it does not.
        time.ahead += HOUR_MS;
        await git.keepWithinBudget();
      }
    })();
    const read = async (at: number): Promise<void> => {
      for (let round = 0; round < 8 || state.removals === 0; round += 1) {
        const which = (at + round) % commits.length;
        await git.holding(async () => {
          const checkout = await git.ensureCheckout(endpoint, 'busy', commits[which] ?? '');
          expect(readFileSync(path.join(checkout, 'a'), 'utf8')).toBe(`${which + 1}`);
          await new Promise((resume) => setImmediate(resume));
          expect(readFileSync(path.join(checkout, 'b/c'), 'utf8')).toBe(`${which + 1}`.repeat(10_000));
          expect(gitIn(checkout, 'rev-parse', 'HEAD')).toBe(commits[which]);
        });
      }
    };
    await Promise.all([0, 1, 2, 3].map(read)).finally(() => (state.over = true));
    await sweeping;
    expect(state.removals, 'something was removed meanwhile').toBeGreaterThan(0);
    time.ahead += HOUR_MS;
    await git.keepWithinBudget();
    expect(await describeGitCopies(folder)).toEqual({ mirrors: 0, checkouts: 0, bytes: 0 });
  });
});
