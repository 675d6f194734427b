import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');
const SOURCES = ['contract', 'client', 'cli', 'server', 'web', 'scripts/build.ts', 'package-lock.json'];

/** The built server, built first when a source is newer. @returns its program */
export function ensureBuilt(say: (text: string) => void): string {
  const mark = path.join(ROOT, 'dist', '.built');
  const builtAt = existsSync(mark) ? statSync(mark).mtimeMs : 0;
  if (SOURCES.some((source) => isNewer(path.join(ROOT, source), builtAt))) {
    say('Building …');
    execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return path.join(ROOT, 'dist', 'server.mjs');
}

function isNewer(file: string, than: number): boolean {
  const stat = statSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs > than;
  return readdirSync(file).some((name) => name !== 'node_modules' && name !== 'dist' && isNewer(path.join(file, name), than));
}
