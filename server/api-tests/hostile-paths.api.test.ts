import { EXAMPLES, type ExampleRequest } from '#api-tests/example-requests.ts';
import type { Answer } from '#api-tests/exchange.ts';
import { snapshotDatabase } from '#api-tests/database-snapshot.ts';
import { makeTenantThings, type TenantThings, type Thing } from '#api-tests/tenant-things.ts';
import { untilQuiet, useTestPlatform } from '#api-tests/test-platform.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

/** Text that callers and jobs choose must never lead to a file that is not theirs. */
const opened = useTestPlatform();
const held: { things?: TenantThings; secrets: string[] } = { secrets: [] };
const things = (): TenantThings => held.things as TenantThings;

beforeAll(async () => {
  const p = opened();
  held.things = makeTenantThings(p, 'alpha', p.member.secret);
  held.secrets = [(await readFile(path.join(p.home.folder, 'key'), 'utf8')).trim(), 'root:x:0:0'];
});

/** Ways in which systems like this were asked for files that are none of the caller's business. */
const CORPUS: readonly string[] = [
  '..',
  '../../key',
  '../../../../../../../../etc/passwd',
  '%2e%2e',
  '%2e%2e/%2e%2e/key',
  '%2e%2e%2f%2e%2e%2f%2e%2e%2fkey',
  '..%2f..%2f..%2f..%2fkey',
  '..%5c..%5ckey',
  '..\\..\\key',
  '%252e%252e%252f%252e%252e%252fkey',
  '%25252e%25252e%25252fkey',
  '..%c0%af..%c0%afkey',
  '%c0%ae%c0%ae/key',
  '..%ef%bc%8f..%ef%bc%8fkey',
  '..;/..;/key',
  'x;/../../key',
  ';/../../key',
  '/etc/passwd',
  '%2fetc%2fpasswd',
  '//etc/passwd',
  'file:///etc/passwd',
  'file:%2f%2f%2fetc%2fpasswd',
  'C:%5cwindows%5cwin.ini',
  '%00',
  'result.txt%00.png',
  '..%00/../key',
  '....//....//key',
  '.%2e/.%2e/key',
  './././../key',
  '%2e%2e%3b/key',
  '%u002e%u002e/key',
  '~/.ssh/id_rsa',
  '-rf',
  '--upload-pack=touch%20x',
  '%0d%0aset-cookie:%20a=b',
  '%zz',
  '%ff%fe',
  `${'../'.repeat(200)}etc/passwd`,
  'a'.repeat(1_050),
];

/** What is wrong with the answer to hostile text, or null: it must be a clear refusal by the API itself. */
function problemOf({ status, text, headers, body }: Answer): string | null {
  if (held.secrets.some((secret) => text.includes(secret))) return 'it gave away a secret';
  if (headers['set-cookie'] !== undefined) return 'a header was written by the caller';
  if (status < 400 || status >= 500) return `${status} ${text.slice(0, 200)}`;
  return typeof body?.code === 'string' && typeof body.message === 'string' ? null : `not one of our errors: ${text.slice(0, 200)}`;
}

async function expectRefused(cases: readonly { readonly what: string; readonly send: () => Promise<Answer> }[]): Promise<void> {
  await untilQuiet(opened());
  const before = await snapshotDatabase(opened().database.db);
  const wrong: string[] = [];
  for (const each of cases) {
    const problem = problemOf(await each.send());
    if (problem !== null) wrong.push(`${each.what}: ${problem}`);
  }
  expect(wrong).toEqual([]);
  expect(await snapshotDatabase(opened().database.db)).toEqual(before);
}

describe('hostile text in place of a parameter of the path', () => {
  const routes = ALL_ROUTES.filter((route) => route.path.includes('{'));
  it.each(routes.map((route) => ({ id: route.id, route })))('$id', async ({ route }) => {
    const example: ExampleRequest = (await EXAMPLES[route.id]?.(things(), opened())) ?? {};
    const query = new URLSearchParams(example.query ?? {}).toString();
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
    const cases = names.flatMap((name) =>
      CORPUS.map((hostile) => {
        const filled = route.path.replaceAll(/\{(\w+)\}/g, (_whole, each: string) =>
          each === name ? hostile : encodeURIComponent(example.params?.[each] ?? ''),
        );
        return {
          what: `${name} = ${hostile.slice(0, 40)}`,
          send: () => opened().ask(opened().systemAdmin.secret, route.method, query === '' ? filled : `${filled}?${query}`, example.body),
        };
      }),
    );
    await expectRefused(cases);
  });
});

describe('hostile text in a query', () => {
  const base = '/v1/tenants/alpha';
  // Where a file, a repository or a revision is named. Already decoded text goes here, so what is one word there is one here.
  const asQuery = (hostile: string): string => (/%[0-9a-f]{2}/i.test(hostile) ? hostile : encodeURIComponent(hostile));

  it('names no output of a run', async () => {
    const run = await things().endedTask();
    await writeOutput(run, 'result.txt', 'written by the job');
    await expectRefused(
      CORPUS.flatMap((hostile) => [
        { what: hostile, send: () => opened().ask(opened().member.secret, 'GET', `${base}/runs/${run.id}/outputs/content?path=${asQuery(hostile)}`) },
        {
          what: `sub/${hostile}`,
          send: () => opened().ask(opened().member.secret, 'GET', `${base}/runs/${run.id}/outputs/content?path=sub%2f${asQuery(hostile)}`),
        },
        { what: `of many ${hostile}`, send: () => opened().ask(opened().member.secret, 'POST', `${base}/runs/${run.id}/outputs/read`, { paths: [hostile] }) },
        { what: `folder ${hostile}`, send: () => opened().ask(opened().member.secret, 'GET', `${base}/runs/${run.id}/outputs?path=${asQuery(hostile)}`) },
        ...[
          ['GET', `outputs/preview?path=${asQuery(hostile)}`],
          ['GET', `outputs/archive?path=${asQuery(hostile)}`],
          ['GET', `outputs/search?text=a&path=${asQuery(hostile)}`],
          ['GET', `attachments/content?name=${asQuery(hostile)}`],
          ['GET', `attachments/preview?name=${asQuery(hostile)}`],
          ['DELETE', `attachments?name=${asQuery(hostile)}`],
        ].map(([method = '', rest = '']) => ({
          what: `${method} ${rest.slice(0, 80)}`,
          send: () => opened().ask(opened().member.secret, method, `${base}/runs/${run.id}/${rest}`),
        })),
      ]),
    );
  });

  it('names no repository and no revision', async () => {
    await expectRefused(
      CORPUS.flatMap((hostile) => [
        { what: `repository ${hostile}`, send: () => opened().ask(opened().member.secret, 'GET', `${base}/git/local/branches?repository=${asQuery(hostile)}`) },
        {
          what: `revision ${hostile}`,
          send: () => opened().ask(opened().member.secret, 'GET', `${base}/git/local/commits?repository=team%2fmodel&revision=${asQuery(hostile)}`),
        },
      ]),
    );
  });

  it('continues no list', async () => {
    const cursors = [
      'x',
      '..',
      '%00',
      'e30',
      Buffer.from('["2026-01-01T00:00:00Z","\' or 1=1 --"]').toString('base64url'),
      Buffer.from('[null,null]').toString('base64url'),
      'a'.repeat(513),
    ];
    const lists = ALL_ROUTES.filter(({ id }) =>
      ['data.list', 'datasets.list', 'runs.list', 'members.list', 'tokens.list', 'tenants.list', 'users.list'].includes(id),
    );
    await expectRefused(
      lists.flatMap(({ id, path: at }) =>
        cursors.map((cursor) => ({
          what: `${id} ${cursor}`,
          send: () => opened().ask(opened().systemAdmin.secret, 'GET', `${at.replace('{tenant}', 'alpha')}?cursor=${cursor}`),
        })),
      ),
    );
  });

  it('finds what contains it, and does nothing else', async () => {
    for (const text of ["' or 1=1 --", '%', '_', '\\', '"; drop table users; --', '%00']) {
      for (const list of ['data', 'datasets', 'runs']) {
        const answer = await opened().ask(opened().member.secret, 'GET', `${base}/${list}?text=${text === '%00' ? text : encodeURIComponent(text)}`);
        expect([list, text, answer.status, answer.body.items ?? []]).toEqual([list, text, text === '%00' ? 400 : 200, []]);
      }
    }
    for (const list of ['data', 'runs']) expect((await opened().ask(opened().member.secret, 'GET', `${base}/${list}?createdBy=%00`)).status).toBeLessThan(500);
  });
});

describe('hostile addresses of pages', () => {
  it('show a page or nothing, never a file beside it', async () => {
    const wrong: string[] = [];
    for (const prefix of ['/', '/assets/', '/v1/docs/assets/', '/v1/docs/']) {
      for (const hostile of CORPUS) {
        const { status, text } = await opened().ask(null, 'GET', `${prefix}${hostile}`);
        const isPage = status === 200 && text === '<!doctype html><title>pages</title>';
        if (!isPage && (status < 300 || status >= 500 || held.secrets.some((secret) => text.includes(secret))))
          wrong.push(`${prefix}${hostile.slice(0, 60)}: ${status} ${text.slice(0, 80)}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

async function writeOutput(run: Thing, name: string, content: string): Promise<string> {
  const file = path.join(outputOf(run), name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

const outputOf = (run: Thing): string => path.join(opened().home.folder, 'runs', run.id, 'output');
const download = (run: Thing, name: string, headers: Record<string, string> = {}): Promise<Answer> =>
  opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run.id}/outputs/content?path=${encodeURIComponent(name)}`, undefined, { headers });
const list = (run: Thing, name: string): Promise<Answer> =>
  opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run.id}/outputs?path=${encodeURIComponent(name)}`);

const whyNoDevices = process.getuid?.() === 0 ? null : 'making a device needs root';

describe('what a job put into its output folder', () => {
  it('is served when it is a file, by name and in ranges', async () => {
    const run = await things().endedTask();
    await writeOutput(run, 'models/結果 1;a=b.bin', 'written by the job');
    expect((await download(run, 'models/結果 1;a=b.bin')).text).toBe('written by the job');
    expect((await download(run, 'models/結果 1;a=b.bin', { range: 'bytes=8-9' })).text).toBe('by');
    expect((await list(run, 'models')).body.items).toEqual([expect.objectContaining({ name: '結果 1;a=b.bin', kind: 'file', size: 18 })]);
  });

  it('is not followed when it is a link, wherever the link stands', async () => {
    const run = await things().endedTask();
    const own = await writeOutput(run, 'result.txt', 'written by the job');
    const key = path.join(opened().home.folder, 'key');
    const links: Record<string, string> = {
      absolute: key,
      relative: '../../../key',
      folder: opened().home.folder,
      root: '/',
      own,
      dangling: '/nowhere',
      proc: '/proc/self/environ',
      loop: 'loop',
    };
    for (const [name, target] of Object.entries(links)) await symlink(target, path.join(outputOf(run), name));
    const paths = [
      'absolute',
      'relative',
      'folder',
      'folder/key',
      'root/etc/passwd',
      'own',
      'dangling',
      'proc',
      'loop',
      'folder/runs',
      'root/proc/self/environ',
    ];
    await expectRefused(
      paths.flatMap((each) => [
        { what: each, send: () => download(run, each) },
        { what: `folder ${each}`, send: () => list(run, each) },
      ]),
    );
    const { items } = (await list(run, '')).body;
    expect(items.map(({ name, kind, size }: { name: string; kind: string; size: number | null }) => [name, kind, size])).toEqual([
      ...Object.keys(links)
        .map((name) => [name, 'other', null] as [string, string, number | null])
        .concat([['result.txt', 'file', 18]])
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ]);
  });

  it('is not waited for when it is a pipe', async () => {
    const run = await things().endedTask();
    await writeOutput(run, 'result.txt', 'x');
    await promisify(execFile)('mkfifo', [path.join(outputOf(run), 'pipe')]);
    await expectRefused([{ what: 'pipe', send: () => download(run, 'pipe') }]);
  });

  it.skipIf(whyNoDevices !== null)(`is not read when it is a device${whyNoDevices === null ? '' : ` (${whyNoDevices})`}`, async () => {
    const run = await things().endedTask();
    await writeOutput(run, 'result.txt', 'x');
    await promisify(execFile)('mknod', [path.join(outputOf(run), 'zero'), 'c', '1', '5']);
    await expectRefused([{ what: 'device', send: () => download(run, 'zero') }]);
  });

  it('is not a file when it is a folder, and no folder when it is a file', async () => {
    const run = await things().endedTask();
    await writeOutput(run, 'folder/result.txt', 'x');
    await expectRefused([
      { what: 'folder', send: () => download(run, 'folder') },
      { what: 'the output folder itself', send: () => download(run, '') },
      { what: 'file as folder', send: () => list(run, 'folder/result.txt') },
      { what: 'below a file', send: () => download(run, 'folder/result.txt/x') },
      { what: 'nothing', send: () => download(run, 'nothing') },
    ]);
  });

  it('is never more than itself while it is being exchanged for a link', async () => {
    const run = await things().endedTask();
    const folder = outputOf(run);
    await writeOutput(run, 'place/key', 'written by the job');
    await rename(path.join(folder, 'place'), path.join(folder, 'true-place'));
    const going = { on: true };
    const swapping = (async () => {
      for (let round = 0; going.on; round += 1) {
        const next = path.join(folder, `next-${round}`);
        await symlink(round % 2 === 0 ? 'true-place' : opened().home.folder, next);
        await rename(next, path.join(folder, 'place'));
      }
    })();
    const answers: Answer[] = [];
    for (let round = 0; round < 300; round += 1) answers.push(await download(run, 'place/key'));
    going.on = false;
    await swapping;
    await rm(path.join(folder, 'place'));
    expect(answers.filter(({ text }) => held.secrets.some((secret) => text.includes(secret)))).toEqual([]);
    expect(answers.every(({ status, text }) => status === 404 || text === 'written by the job')).toBe(true);
  });

  it.each([
    ['page.html', '<script>alert(1)</script>'],
    ['picture.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['a "name"\\;.html', '<script>alert(1)</script>'],
    ['データ.html', '<b>'],
    ['line\r\nset-cookie: a=b.html', '<b>'],
  ])('is handed over as a download and never shown: %j', async (name, content) => {
    const run = await things().endedTask();
    await writeOutput(run, name, content);
    const { status, headers, text } = await download(run, name);
    expect([status, text]).toEqual([200, content]);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^sandbox/),
    });
    expect(headers['content-disposition']).toMatch(/^attachment; filename="[\x20\x21\x23-\x7e]*"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*$/);
    expect(headers['set-cookie']).toBeUndefined();
    expect(decodeURIComponent(String(headers['content-disposition']).split("UTF-8''")[1] ?? '')).toBe(name);
  });
});

describe('what somebody uploaded', () => {
  it('is handed over as a download and never shown', async () => {
    const { data, file } = await things().dataWithFile();
    const { headers } = await opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/data/${data.id}/files/${file}/content`);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^sandbox/),
      'content-disposition': expect.stringMatching(/^attachment; /),
    });
  });
});

describe('the log that a job wrote', () => {
  it('is text, whatever is in it', async () => {
    const run = await things().endedTask();
    const { attempt_id } = await opened().database.db.selectFrom('runs').select('attempt_id').where('id', '=', run.id).executeTakeFirstOrThrow();
    await writeFile(path.join(opened().home.folder, 'runs', run.id, 'logs', `${attempt_id}.log`), '<script>alert(1)</script>');
    const { headers, text } = await opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run.id}/log`);
    expect(text).toBe('<script>alert(1)</script>');
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  });
});

describe('the server, after all of this', () => {
  it('has met nothing that it did not expect', () => {
    expect(opened().errorsLogged).toEqual([]);
  });
});
