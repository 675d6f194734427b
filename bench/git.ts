import { type Bench, scaled } from './bench.ts';
import { atMost, explain, rounded } from './figure.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { gitIn } from '../server/git/git-origin.ts';
import { makeGit } from '../server/git/git.ts';
import { provideHttpGit } from '../server/git/testing/provide-http-git.ts';
import { systemClock } from '../server/kit/clock.ts';
import { migrate } from '../server/kit/db/migrate.ts';
import { openDatabase } from '../server/kit/db/open-database.ts';
import { newId } from '../server/kit/ids.ts';
import { silentLog } from '../server/kit/log.ts';
import { makeSealedSecrets } from '../server/kit/sealed-secrets.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const FILES = 100_000;
/** Bytes from the server, of those of the whole. */
const CHANGED_LIMIT = 0.05;
const FIRST_LIMIT = 3;

/** A large repository of a git server over HTTP: the first time, after one file has changed, and again. */
export const gitBench: Bench = {
  name: 'git',
  about: 'a repository of 100,000 files on a git server',
  async measure(context) {
    const postgres = await startThrowawayPostgres();
    const folder = path.join(context.folder, 'git');
    const root = path.join(folder, 'served');
    mkdirSync(root, { recursive: true });
    const bare = path.join(root, 'large.git');
    gitIn(folder, 'init', '--quiet', '--bare', bare);
    const files = scaled(context, FILES, 2_000);
    const server = await provideHttpGit({ root, isOpen: () => true });
    const { db, pool, close } = openDatabase(postgres.connection, silentLog);
    const git = makeGit({
      db,
      folder: path.join(folder, 'home'),
      gitRoot: null,
      clock: systemClock,
      log: silentLog,
      sealed: makeSealedSecrets(Buffer.alloc(32)),
    });
    try {
      await migrate(pool, path.join(import.meta.dirname, '../server/migrations'), systemClock.now(), silentLog);
      await importFiles(bare, files);
      const id = newId<GitEndpointId>();
      await git.createEndpoint({ id, name: 'server', kind: 'plain', url: server.url, lfsHosts: [] });

      // Not in this thread, which serves it.
      const cloned = await timed(() => promisify(execFile)('git', ['clone', '--quiet', `${server.url}/large.git`, path.join(folder, 'clone')]));
      const use = async () => {
        const before = server.sent.bytes;
        const resolved = await timed(async () => (await git.resolveSource({ repository: 'large.git', revision: 'main' })).commit);
        const checkedOut = await timed(() => git.ensureCheckout(id, 'large.git', resolved.result));
        return { resolveMs: resolved.ms, checkoutMs: checkedOut.ms, bytes: server.sent.bytes - before, commit: resolved.result };
      };
      const first = await use();
      await importFiles(bare, 1, first.commit);
      const changed = await use();
      const again = await timed(async () => {
        await git.resolveSource({ repository: 'large.git', revision: changed.commit });
        await git.ensureCheckout(id, 'large.git', changed.commit);
      });
      return [
        atMost(`${files} files the first time, beside git clone`, (first.resolveMs + first.checkoutMs) / cloned.ms, FIRST_LIMIT, '×'),
        explain('  in ms: resolve, check out, git clone', [first.resolveMs, first.checkoutMs, cloned.ms].map(rounded).join(', ')),
        atMost('one file changed, bytes from the server beside the whole', changed.bytes / first.bytes, CHANGED_LIMIT, '×'),
        explain('  in ms: resolve, check out', [changed.resolveMs, changed.checkoutMs].map(rounded).join(', ')),
        explain('the same commit again, in ms', rounded(again.ms)),
      ];
    } finally {
      git.close();
      await server.close();
      await close();
      await postgres.stop();
    }
  },
};

/** One commit with so many files, on top of another one or of nothing, without a working tree. */
async function importFiles(bare: string, files: number, parent?: string): Promise<void> {
  const child = spawn('git', ['--git-dir', bare, 'fast-import', '--quiet'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  const message = parent === undefined ? 'many files' : 'one file';
  child.stdin.write(`commit refs/heads/main\ncommitter Bench <bench@example.org> ${parent === undefined ? 1 : 2} +0000\ndata ${message.length}\n${message}\n`);
  if (parent !== undefined) child.stdin.write(`from ${parent}\n`);
  for (let at = 0; at < files; at += 1) {
    const text = `${message} ${at} ${(at * 2_654_435_761) % 4_294_967_296}\n`.repeat(40);
    if (!child.stdin.write(`M 100644 inline folder-${at % 500}/file-${at}.txt\ndata ${text.length}\n${text}\n`)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ readonly ms: number; readonly result: Result }> {
  const began = performance.now();
  const result = await work();
  return { ms: performance.now() - began, result };
}
