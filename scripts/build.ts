import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundlePrograms } from './bundle-programs.ts';

/** Makes dist/: the server's program with its worker threads and migrations, the CLI's, and the web UI. */
const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await bundlePrograms(dist);
execFileSync(process.execPath, [path.join(root, 'node_modules/vite/bin/vite.js'), 'build', 'web', '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
cpSync(path.join(root, 'web/dist'), path.join(dist, 'web'), { recursive: true });
writeFileSync(path.join(dist, '.built'), '');
