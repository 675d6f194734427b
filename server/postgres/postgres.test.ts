import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asIdentity, identityCandidates } from './choose-identity.ts';
import { boundLog } from './postgres-log.ts';
import { postgresArguments } from './postgres-settings.ts';
import { parsePostmasterFile } from './read-postmaster.ts';
import { readProcess } from './read-process.ts';
import { socketFolderFor } from './socket-folder.ts';

test.each([
  ['4711\n/data\n1763\n5432\n/sockets\n\n  1 2\nready   \n', { pid: 4711, socketFolder: '/sockets' }],
  ['4711\n/data\n1763\n5432\n\n', { pid: 4711, socketFolder: undefined }],
  ['4711', { pid: 4711, socketFolder: undefined }],
  ['', undefined],
  ['-1\n', undefined],
  ['what\nis\nthis', undefined],
])('a lock file %j', (text, expected) => {
  expect(parsePostmasterFile(text)).toEqual(expected);
});

test.each([
  ['/home/sodate/postgres', 'linux', '/home/sodate/postgres'],
  [`/${'a'.repeat(92)}`, 'linux', `/${'a'.repeat(92)}`], // with /.s.PGSQL.5432 exactly 107 bytes
  [`/${'a'.repeat(93)}`, 'linux', '/tmp/sodate-'],
  [`/${'a'.repeat(92)}`, 'darwin', '/tmp/sodate-'],
  [`/${'あ'.repeat(31)}`, 'linux', '/tmp/sodate-'], // counted in bytes
])('the socket of %s on %s is in %s', (folder, platform, expected) => {
  expect(socketFolderFor(folder, '/tmp', platform).startsWith(expected)).toBe(true);
});

test('two long folders have different sockets, and no place at all is an error', () => {
  const [one, other] = [`/${'a'.repeat(120)}`, `/${'b'.repeat(120)}`];
  expect(socketFolderFor(one, '/tmp', 'linux')).not.toBe(socketFolderFor(other, '/tmp', 'linux'));
  expect(() => socketFolderFor(one, other, 'linux')).toThrow('SODATE_HOME');
});

test('who runs it', () => {
  const kinds = (uid: number, named: boolean, owner: number) =>
    identityCandidates({ uid, named }, { uid: owner, gid: owner }).map((identity) =>
      identity.kind === 'other-user' ? `${identity.uid} ${identity.reach}` : identity.kind,
    );
  expect(kinds(1000, true, 1000)).toEqual(['same-user']);
  expect(kinds(12_345, false, 12_345)).toEqual(['user-namespace', 'same-user']);
  expect(kinds(0, true, 0)).toEqual(['user-namespace', '65534 own', '65534 everywhere']);
  expect(kinds(0, true, 1000)).toEqual(['user-namespace', '1000 own', '1000 everywhere']);
  expect(asIdentity({ kind: 'other-user', uid: 5, gid: 6, reach: 'own' }, 'postgres', ['-V'])).toEqual({
    command: 'postgres',
    arguments: ['-V'],
    uid: 5,
    gid: 6,
  });
});

test('only a throw-away database forgets', () => {
  const of = (durable: boolean) => postgresArguments('/data', '/with "quote", comma', { durable, maximumConnections: 5 });
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    expect(of(true)).toContain(`${name}=on`);
    expect(of(false)).toContain(`${name}=off`);
  }
  expect(of(true)).toContain('unix_socket_directories="/with ""quote"", comma"');
});

test('the log is cut when it is too long, and the part before is kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-log-'));
  const file = join(folder, 'postgres.log');
  await boundLog(file, 10);
  await writeFile(file, '0123456789');
  await boundLog(file, 10);
  expect((await stat(file)).size).toBe(10);
  await writeFile(file, '0123456789a');
  await boundLog(file, 10);
  expect([(await stat(file)).size, await readFile(`${file}.1`, 'utf8')]).toEqual([0, '0123456789a']);
  await rm(folder, { recursive: true });
});

test('a process is told from a later one of the same number, and from none', () => {
  expect(readProcess(process.pid)?.mark).toBe(readProcess(process.pid)?.mark);
  expect(readProcess(process.pid)?.mark).not.toBe(readProcess(process.ppid)?.mark);
  expect(readProcess(2 ** 22 + 1)).toBeUndefined();
});
