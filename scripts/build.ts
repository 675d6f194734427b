import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundlePrograms } from './bundle-programs.ts';

/** Makes dist/: the server's program with its worker threads and migrations, the CLI's, and the web UI. */
const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
/** Built apart and then exchanged: a build that fails leaves the one before. */
const draft = path.join(root, `dist-draft-${process.pid}`);

process.on('exit', () => rmSync(draft, { recursive: true, force: true }));
mkdirSync(draft);
await bundlePrograms(draft);
const vite = path.join(root, 'node_modules/vite/bin/vite.js');
execFileSync(process.execPath, [vite, 'build', 'web', '--logLevel', 'warn', '--outDir', path.join(draft, 'web')], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
writeFileSync(path.join(draft, '.built'), '');
rmSync(dist, { recursive: true, force: true });
renameSync(draft, dist);
