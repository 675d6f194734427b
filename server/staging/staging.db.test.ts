import { isStartRefused, type StageItem } from '#executors/executor.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makeGit } from '#git/git.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { makeStageFolders, type Staging } from '#staging/staging.ts';
import type { AttemptId, DatasetId, GitEndpointId, RunId, TenantId, UploadId } from '@sodate/contract/ids.ts';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const isRoot = process.getuid?.() === 0;
const JOB_USER = { uid: 54_321, gid: 54_321 };
const asServer = { jobUser: null, copyInputs: false };
const signal = new AbortController().signal;

describe('staging', () => {
  const database = useTestDatabase();
  const home = mkdtempSync(path.join(tmpdir(), 'sodate-staging-'));
  const checkout = path.join(home, 'a-checkout');
  let objectStore: ObjectStore;
  let staging: Staging;
  const tenant = newId<TenantId>();
  const user = newId<string>();
  const fresh = (): Staging =>
    makeStageFolders({
      db: database().db,
      git: { ensureCheckout: async () => checkout, holding: (work) => work() },
      objectStore,
      home,
      timeZone: 'Asia/Tokyo',
    });

  beforeAll(async () => {
    // A job's user must be able to come here.
    chmodSync(home, 0o755);
    objectStore = makeFileSystemObjectStore({ home });
    staging = fresh();
    const { db } = database();
    const now = new Date();
    await db.insertInto('tenants').values({ id: tenant, name: 'team', display_name: 'Team', created_at: now }).execute();
    await db.insertInto('users').values({ id: user, name: 'hana', display_name: '花', system_admin: false, created_at: now }).execute();
    mkdirSync(path.join(checkout, '.git'), { recursive: true });
    writeFileSync(path.join(checkout, '.git/HEAD'), 'abc');
    writeFileSync(path.join(checkout, 'train.sh'), '#!/bin/sh\n');
    chmodSync(path.join(checkout, 'train.sh'), 0o755);
    chmodSync(path.join(checkout, '.git/HEAD'), 0o444);
    symlinkSync('/etc/passwd', path.join(checkout, 'outside'));
    writeFileSync(Buffer.concat([Buffer.from(checkout), Buffer.from('/latin-\xe9', 'latin1')]), 'not UTF-8');
  });
  afterAll(async () => {
    await staging.close();
    await objectStore.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function storeRun(owner: TenantId = tenant): Promise<RunId> {
    const id = newId<RunId>();
    const now = new Date();
    await database()
      .db.insertInto('runs')
      .values({
        tenant_id: owner,
        id,
        kind: 'training',
        number: Math.trunc(Math.random() * 1e9),
        name: 'r',
        memo: '',
        tags: [],
        state: 'queued',
        request: '{}',
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
        due_at: now,
      })
      .execute();
    return id;
  }

  async function storeBlob(content: string): Promise<string> {
    const id = newId<UploadId>();
    const bytes = Buffer.from(content);
    const shape = { tenant, id, size: bytes.length, partSize: 1024 * 1024 };
    if (bytes.length > 0) await objectStore.writePart(shape, 1, Readable.from([bytes]), signal);
    await objectStore.seal([shape]);
    await objectStore.forget(tenant, id);
    const digest = `sha256:${createHash('sha256').update(`${id}${content}`).digest('hex')}`;
    await database().db.insertInto('blobs').values({ tenant_id: tenant, id, digest, size: bytes.length, created_at: new Date() }).execute();
    return id;
  }

  /** A data whose files all have the same content, unless given one by one. */
  async function storeData(
    name: string,
    files: Readonly<Record<string, string>> | { readonly names: readonly string[]; readonly blob: string },
  ): Promise<{ readonly id: string; readonly number: number }> {
    const { db } = database();
    const id = newId<string>();
    const now = new Date();
    const named =
      'blob' in files && typeof files.blob === 'string' && Array.isArray(files.names)
        ? files.names.map((each: string) => [each, files.blob as string] as const)
        : await Promise.all(Object.entries(files as Record<string, string>).map(async ([each, content]) => [each, await storeBlob(content)] as const));
    const row = await db
      .insertInto('data')
      .values({ tenant_id: tenant, id, name, memo: '', tags: ['lot-7'], file_count: named.length, created_by: user, created_at: now })
      .returning('number')
      .executeTakeFirstOrThrow();
    for (let at = 0; at < named.length; at += 1_000) {
      await db
        .insertInto('data_files')
        .values(
          named
            .slice(at, at + 1_000)
            .map(([file, blob]) => ({ tenant_id: tenant, data_id: id, id: newId<string>(), name: file, blob_id: blob, created_at: now })),
        )
        .execute();
    }
    return { id, number: row.number };
  }

  async function storeDataset(
    entries: readonly (readonly ['training' | 'testing' | 'validation' | 'flat', string])[],
    lockedAt: Date | null = new Date(),
  ): Promise<DatasetId> {
    const { db } = database();
    const id = newId<DatasetId>();
    const flat = entries.some(([type]) => type === 'flat');
    await db
      .insertInto('datasets')
      .values({
        tenant_id: tenant,
        id,
        name: 'digits',
        memo: 'メモ',
        flat,
        locked_at: lockedAt,
        entry_count: entries.length,
        created_by: user,
        created_at: new Date('2026-01-31T20:00:00Z'),
      })
      .execute();
    if (entries.length > 0)
      await db
        .insertInto('dataset_entries')
        .values(entries.map(([type, data]) => ({ tenant_id: tenant, dataset_id: id, type, data_id: data })))
        .execute();
    return id;
  }

  const realise = async (
    items: readonly StageItem[],
    options: Parameters<Staging['realise']>[3] = asServer,
    run?: RunId,
    attempt = newId<AttemptId>(),
  ): Promise<{ attempt: AttemptId; run: RunId; logFile: string; folder(name: string): string }> => {
    const owner = run ?? (await storeRun());
    const staged = await staging.realise(attempt, owner, { items }, options, signal);
    return { attempt, run: owner, logFile: staged.logFile, folder: (name) => staged.folders.get(name) ?? `nothing called ${name}` };
  };
  const datasetItem = (dataset: DatasetId): StageItem => ({ name: 'dataset', kind: 'dataset', dataset });
  const checkoutItem: StageItem = { name: 'git', kind: 'checkout', endpoint: newId<GitEndpointId>(), repository: 'model', commit: 'a'.repeat(40) };
  const treeOf = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

  it('lays a typed data set out as jobs expect it', async () => {
    const first = await storeData('lot 1', { '画像/一.png': 'one', 'two.png': 'two', [`${'あ'.repeat(83)}.txt`]: 'long', empty: '' });
    const second = await storeData('lot 2', { 'x.png': 'x' });
    const bare = await storeData('no files', {});
    const dataset = await storeDataset([
      ['training', first.id],
      ['training', second.id],
      ['testing', second.id],
      ['validation', bare.id],
    ]);
    const staged = await realise([datasetItem(dataset)]);
    const at = (...parts: (string | number)[]): string => path.join(staged.folder('dataset'), ...parts.map(String));

    expect(treeOf(at('input')).filter((name) => lstatSync(at('input', name)).isFile())).toEqual(
      [
        'meta.json',
        `testing/${second.number}/x.png`,
        `training/${first.number}/${'あ'.repeat(83)}.txt`,
        `training/${first.number}/empty`,
        `training/${first.number}/two.png`,
        `training/${first.number}/画像/一.png`,
        `training/${second.number}/x.png`,
      ].sort(),
    );
    expect(readFileSync(at('raw', first.number, '画像/一.png'), 'utf8')).toBe('one');
    expect(readlinkSync(at('raw', second.number)), 'from its first type').toBe(`../input/training/${second.number}`);
    expect(readdirSync(at('raw', bare.number))).toEqual([]);
    expect(statSync(at('input/training', first.number, 'two.png')).nlink, 'a link, no copy').toBeGreaterThan(1);
    expect(statSync(at('input/training', first.number, 'two.png')).mode & 0o222).toBe(0);
    const meta: unknown = JSON.parse(readFileSync(at('input/meta.json'), 'utf8'));
    expect(meta).toMatchObject({
      id: expect.any(Number),
      name: 'digits',
      memo: 'メモ',
      isFlat: false,
      isLocked: true,
      createdBy: 'hana',
      createdAt: '2026-02-01 05:00:00',
      flatEntries: [],
      entries: {
        training: [
          { id: second.number, name: 'lot 2', tags: ['lot-7'] },
          { id: first.number, name: 'lot 1' },
        ],
        testing: [{ id: second.number }],
        validation: [{ id: bare.number }],
      },
    });
  });

  it('lays a flat data set out without types', async () => {
    const data = await storeData('lot', { 'a.txt': 'a' });
    const staged = await realise([datasetItem(await storeDataset([['flat', data.id]]))]);
    expect(readFileSync(path.join(staged.folder('dataset'), `input/${data.number}/a.txt`), 'utf8')).toBe('a');
    expect(readFileSync(path.join(staged.folder('dataset'), `raw/${data.number}/a.txt`), 'utf8')).toBe('a');
    expect(JSON.parse(readFileSync(path.join(staged.folder('dataset'), 'input/meta.json'), 'utf8'))).toMatchObject({
      isFlat: true,
      flatEntries: [{ id: data.number }],
      entries: { training: [], testing: [], validation: [] },
    });
  });

  it('makes a data set once for all, and anew after it was unlocked and changed', async () => {
    const [one, two] = [await storeData('one', { a: '1' }), await storeData('two', { b: '2' })];
    const dataset = await storeDataset([['training', one.id]], new Date('2026-01-01T00:00:00Z'));
    const other = fresh();
    const both = await Promise.all([
      ...[1, 2, 3].map(() => realise([datasetItem(dataset)])),
      other
        .realise(newId<AttemptId>(), await storeRun(), { items: [datasetItem(dataset)] }, asServer, signal)
        .then((staged) => ({ folder: (name: string) => staged.folders.get(name) ?? '' })),
    ]);
    const place = both[0]?.folder('dataset') ?? '';
    expect(new Set(both.map((staged) => staged.folder('dataset')))).toEqual(new Set([place]));
    const inode = statSync(place).ino;
    expect(statSync((await realise([datasetItem(dataset)])).folder('dataset')).ino).toBe(inode);
    expect(readdirSync(path.join(home, 'staged/tmp'))).toEqual([]);

    await database().db.updateTable('dataset_entries').set({ data_id: two.id }).where('dataset_id', '=', dataset).execute();
    await database()
      .db.updateTable('datasets')
      .set({ locked_at: new Date('2026-01-02T00:00:00Z') })
      .where('id', '=', dataset)
      .execute();
    const later = (await realise([datasetItem(dataset)])).folder('dataset');
    expect(readdirSync(path.join(later, 'input/training'))).toEqual([String(two.number)]);
    expect(existsSync(place)).toBe(false);
    await staging.removeStagedDataset(dataset);
    expect(existsSync(path.dirname(later))).toBe(false);
    await other.close();
  });

  it('begins again where a killed process left something half-made', async () => {
    const data = await storeData('lot', { a: '1' });
    const dataset = await storeDataset([['training', data.id]]);
    const half = path.join(home, 'staged/tmp', newId<string>());
    mkdirSync(path.join(half, 'input/training'), { recursive: true });
    const attempt = newId<AttemptId>();
    mkdirSync(path.join(home, 'attempts', attempt, '.git-half/src'), { recursive: true });
    mkdirSync(path.join(home, 'attempts', attempt, 'tmp'), { recursive: true });
    const run = await storeRun();
    const items: StageItem[] = [
      datasetItem(dataset),
      checkoutItem,
      { name: 'tmp', kind: 'scratch' },
      { name: 'output', kind: 'run-folder', run, folder: 'output' },
    ];
    const staged = await realise(items, asServer, run, attempt);
    expect(readFileSync(path.join(staged.folder('dataset'), `input/training/${data.number}/a`), 'utf8')).toBe('1');
    expect(readFileSync(path.join(staged.folder('git'), 'train.sh'), 'utf8')).toBe('#!/bin/sh\n');

    // And once more, after the job began to write: what is there is used.
    writeFileSync(path.join(staged.folder('git'), 'train.sh'), 'changed');
    writeFileSync(path.join(staged.folder('output'), 'model'), 'half trained');
    writeFileSync(staged.logFile, 'first line\n');
    const again = await realise(items, asServer, run, attempt);
    expect(readFileSync(path.join(again.folder('git'), 'train.sh'), 'utf8')).toBe('changed');
    expect(readFileSync(path.join(again.folder('output'), 'model'), 'utf8')).toBe('half trained');
    expect(readFileSync(again.logFile, 'utf8')).toBe('first line\n');

    await staging.removeLeftovers();
    expect(existsSync(half)).toBe(false);
  });

  it('copies the checkout with modes, links and any name, and leaves the original alone', async () => {
    const staged = await realise([checkoutItem]);
    const copy = staged.folder('git');
    expect(copy).toBe(path.join(home, 'attempts', staged.attempt, 'git'));
    expect(statSync(path.join(copy, 'train.sh')).mode & 0o777).toBe(0o755);
    expect(statSync(path.join(copy, '.git/HEAD')).mode & 0o777).toBe(0o444);
    expect(readlinkSync(path.join(copy, 'outside'))).toBe('/etc/passwd');
    expect(readdirSync(copy, { encoding: 'buffer' }).map((name) => name.toString('latin1'))).toContain('latin-\xe9');
    writeFileSync(path.join(copy, 'train.sh'), 'changed');
    expect(readFileSync(path.join(checkout, 'train.sh'), 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(staged.logFile).mode & 0o777).toBe(0o644);
    expect(staged.logFile).toBe(path.join(home, 'runs', staged.run, 'logs', `${staged.attempt}.log`));
  });

  it.skipIf(!isRoot)('lets a job user write what is its own and nothing else (needs root)', async () => {
    const data = await storeData('lot', { a: '1' });
    const run = await storeRun();
    const parent = await storeRun();
    mkdirSync(path.join(home, 'runs', parent, 'output'), { recursive: true });
    const staged = await realise(
      [
        datasetItem(await storeDataset([['training', data.id]])),
        checkoutItem,
        { name: 'tmp', kind: 'scratch' },
        { name: 'output', kind: 'run-folder', run, folder: 'output' },
        { name: 'attach', kind: 'run-folder', run, folder: 'attach' },
        { name: `parent ${parent}`, kind: 'run-folder', run: parent, folder: 'output' },
      ],
      { jobUser: JOB_USER, copyInputs: false },
      run,
    );
    expect(lstatSync(path.join(staged.folder('git'), 'outside')).uid).toBe(JOB_USER.uid);
    expect(statSync('/etc/passwd').uid, 'a link is owned, not followed').toBe(0);
    const asJob = (script: string): boolean => {
      try {
        execFileSync('sh', ['-c', script], { ...JOB_USER, stdio: 'ignore', cwd: '/' });
        return true;
      } catch {
        return false;
      }
    };
    const input = path.join(staged.folder('dataset'), 'input/training', String(data.number));
    for (const folder of ['git', 'git/.git', 'tmp', 'output', 'attach']) {
      const [item = '', ...rest] = folder.split('/');
      expect(asJob(`echo x > '${path.join(staged.folder(item), ...rest)}/new' && rm '${path.join(staged.folder(item), ...rest)}/new'`), folder).toBe(true);
    }
    expect(asJob(`echo x >> '${staged.folder('git')}/train.sh'`)).toBe(true);
    expect(asJob(`cat '${input}/a' '${staged.logFile}' '${staged.folder('dataset')}/input/meta.json'`)).toBe(true);
    for (const script of [
      `echo x >> '${input}/a'`,
      `rm -f '${input}/a'`,
      `touch '${input}/b'`,
      `touch '${staged.folder('dataset')}/raw/1'`,
      `echo x >> '${staged.logFile}'`,
      `rm -f '${staged.logFile}'`,
      `mv '${staged.folder('output')}' '${staged.folder('output')}-2'`,
      `rm -rf '${staged.folder('git')}' && test ! -e '${staged.folder('git')}'`,
      `touch '${staged.folder(`parent ${parent}`)}/x'`,
      `echo x >> '${checkout}/train.sh'`,
    ])
      expect(asJob(script), script).toBe(false);
  });

  it('gives a job a repository in which git works without a network', async (context) => {
    const git = (cwd: string, args: readonly string[], as: { uid?: number; gid?: number } = {}): string =>
      execFileSync('git', ['-c', 'user.name=h', '-c', 'user.email=h@example.org', ...args], {
        cwd,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
        ...as,
      }).trim();
    try {
      git('/', ['--version']);
    } catch {
      return context.skip('the program git is missing');
    }
    const origin = path.join(home, 'origins/model');
    mkdirSync(origin, { recursive: true });
    git(origin, ['init', '--quiet']);
    writeFileSync(path.join(origin, 'a.txt'), 'a');
    git(origin, ['add', '.']);
    git(origin, ['commit', '--quiet', '-m', 'first']);
    const real = makeGit({
      db: database().db,
      folder: path.join(home, 'git'),
      gitRoot: path.join(home, 'origins'),
      clock: systemClock,
      log: silentLog,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
    });
    const endpoint = newId<GitEndpointId>();
    await real.createEndpoint({ id: endpoint, name: 'local', kind: 'local', root: path.join(home, 'origins') });
    const { commit } = await real.resolveSource({ repository: 'model' });
    rmSync(origin, { recursive: true });
    const stage = makeStageFolders({ db: database().db, git: real, objectStore, home, timeZone: 'UTC' });
    const jobUser = isRoot ? JOB_USER : null;
    const staged = await stage.realise(
      newId<AttemptId>(),
      await storeRun(),
      { items: [{ name: 'git', kind: 'checkout', endpoint, repository: 'model', commit }] },
      { jobUser, copyInputs: false },
      signal,
    );
    const folder = staged.folders.get('git') ?? '';
    expect(git(folder, ['rev-parse', 'HEAD'], jobUser ?? {})).toBe(commit);
    expect(git(folder, ['log', '-1', '--format=%s'], jobUser ?? {})).toBe('first');
    expect(git(folder, ['status', '--porcelain'], jobUser ?? {})).toBe('');
    writeFileSync(path.join(folder, 'a.txt'), 'changed');
    git(folder, ['commit', '--quiet', '-am', 'by the job'], jobUser ?? {});
    expect(git(await real.ensureCheckout(endpoint, 'model', commit), ['rev-parse', 'HEAD'])).toBe(commit);
    await expect(
      stage.realise(
        newId<AttemptId>(),
        await storeRun(),
        { items: [{ name: 'git', kind: 'checkout', endpoint, repository: 'model', commit: 'b'.repeat(40) }] },
        asServer,
        signal,
      ),
    ).rejects.toSatisfy(isStartRefused);
    await stage.close();
  });

  it('copies inputs where they could not be protected', async () => {
    const data = await storeData('lot', { 'd/a': '1' });
    const dataset = await storeDataset([['training', data.id]]);
    const staged = await realise([datasetItem(dataset)], { jobUser: null, copyInputs: true });
    expect(staged.folder('dataset')).toBe(path.join(home, 'attempts', staged.attempt, 'dataset'));
    const file = path.join(staged.folder('dataset'), 'raw', String(data.number), 'd/a');
    expect(readFileSync(file, 'utf8')).toBe('1');
    expect(statSync(file).nlink).toBe(1);
    expect(existsSync(path.join(home, 'staged/datasets', dataset))).toBe(false);
  });

  it('refuses what can never be staged, and leaves the rest to be found by discard', async () => {
    const refusal = (items: readonly StageItem[], run?: RunId): Promise<unknown> =>
      realise(items, asServer, run).then(
        () => null,
        (error: unknown) => error,
      );
    const run = await storeRun();
    const foreign = newId<TenantId>();
    await database().db.insertInto('tenants').values({ id: foreign, name: 'others', display_name: 'Others', created_at: new Date() }).execute();
    const theirs = await storeRun(foreign);
    mkdirSync(path.join(home, 'runs', theirs, 'output'), { recursive: true });
    const parentless = await storeRun();
    const outputOf = (of: RunId): StageItem => ({ name: 'parent', kind: 'run-folder', run: of, folder: 'output' });
    for (const items of [[outputOf(theirs)], [outputOf(newId<RunId>())], [outputOf(parentless)], [datasetItem(newId<DatasetId>())]]) {
      expect(isStartRefused(await refusal(items, run)), JSON.stringify(items)).toBe(true);
    }
    expect(existsSync(path.join(home, 'runs', parentless)), 'a parent is never created').toBe(false);
    expect(isStartRefused(await refusal([datasetItem(await storeDataset([]))], theirs)), 'a data set of another tenant').toBe(true);
    const unlocked = await refusal([datasetItem(await storeDataset([], null))]);
    expect(String(unlocked)).toContain('not locked');
    expect(isStartRefused(unlocked)).toBe(false);

    symlinkSync('/etc', path.join(home, 'runs', theirs, 'attach'));
    expect(String(await refusal([{ name: 'attach', kind: 'run-folder', run: theirs, folder: 'attach' }], theirs))).toContain('is not a folder');
    expect(String(await refusal([{ name: '../x', kind: 'scratch' }]))).toContain('Not a name');
    expect(String(await refusal([outputOf('../../etc' as RunId)], '../../etc' as RunId))).toContain('Not an id');
  });

  it('writes nowhere but below its folder, whatever the database says', async () => {
    for (const name of ['../escape', 'a/../../../escape', '/escape', 'a//b', './a', 'a/']) {
      const data = await storeData('bad', { [name]: '1' });
      const failed = await realise([datasetItem(await storeDataset([['training', data.id]]))]).then(
        () => null,
        (error: unknown) => error,
      );
      expect(String(failed), name).toContain('not a path below');
    }
    const clash = await storeData('clash', { a: '1', 'a/b': '2' });
    const refused = await realise([datasetItem(await storeDataset([['training', clash.id]]))]).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ failureClass: 'user-error' });
    expect(readdirSync(path.join(home, 'staged/tmp'))).toEqual([]);
  });

  it('stages 5,000 files exactly', async () => {
    const blob = await storeBlob('same');
    const names = Array.from({ length: 5_000 }, (_, at) => `d${at % 7}/ファイル ${at}.txt`);
    const data = await storeData('many', { names, blob });
    const staged = await realise([datasetItem(await storeDataset([['training', data.id]]))]);
    const folder = path.join(staged.folder('dataset'), 'input/training', String(data.number));
    expect(treeOf(folder).filter((name) => name.endsWith('.txt'))).toEqual([...names].sort());
    expect(readFileSync(path.join(folder, names[4_999] ?? ''), 'utf8')).toBe('same');
  });

  it('discards everything of an attempt and nothing else', async () => {
    const run = await storeRun();
    const staged = await realise(
      [checkoutItem, { name: 'tmp', kind: 'scratch' }, { name: 'output', kind: 'run-folder', run, folder: 'output' }],
      asServer,
      run,
    );
    const scratch = staged.folder('tmp');
    mkdirSync(path.join(scratch, 'locked/inner'), { recursive: true });
    writeFileSync(path.join(scratch, 'locked/inner/file'), '');
    writeFileSync(Buffer.concat([Buffer.from(scratch), Buffer.from([0x2f, 0xff, 0xfe])]), '');
    symlinkSync(staged.folder('output'), path.join(scratch, 'link'));
    writeFileSync(path.join(staged.folder('output'), 'kept'), 'kept');
    chmodSync(path.join(scratch, 'locked/inner'), 0o000);
    chmodSync(path.join(scratch, 'locked'), 0o555);
    // What an earlier discard that was killed left over.
    mkdirSync(path.join(home, 'trash', staged.attempt, 'old'), { recursive: true });
    await staging.discard(staged.attempt);
    expect(existsSync(path.join(home, 'attempts', staged.attempt))).toBe(false);
    expect(readdirSync(path.join(home, 'trash'))).toEqual([]);
    expect(readFileSync(path.join(staging.folders.output(run), 'kept'), 'utf8')).toBe('kept');
    await staging.discard(staged.attempt);
    await staging.removeRunFolders(run);
    await staging.removeRunFolders(run);
    expect(existsSync(staging.folders.run(run))).toBe(false);
    expect(realpathSync(home)).toBe(home);
  });

  it('discards an attempt that left its folders empty, also when it was cut off in the middle of that', async () => {
    const run = await storeRun();
    const items = ['one', 'two', 'three'].map((name) => ({ name, kind: 'scratch' as const }));
    const staged = await realise(items, asServer, run);
    await staging.discard(staged.attempt);
    expect(existsSync(path.join(home, 'attempts', staged.attempt))).toBe(false);

    const half = await realise(items, asServer, run);
    writeFileSync(path.join(half.folder('three'), 'file'), '');
    rmSync(half.folder('one'), { recursive: true });
    symlinkSync(half.folder('three'), half.folder('one'));
    await staging.discard(half.attempt);
    expect(existsSync(path.join(home, 'attempts', half.attempt))).toBe(false);
    expect(existsSync(path.join(home, 'trash', half.attempt))).toBe(false);
  });

  it('stops at an aborted signal', async () => {
    await expect(staging.realise(newId<AttemptId>(), newId<RunId>(), { items: [] }, asServer, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});
