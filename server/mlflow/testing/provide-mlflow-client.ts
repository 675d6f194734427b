import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Its oldest that still reads what its server of the same year sends, up to the newest. */
const REQUIREMENTS = ['mlflow-skinny>=3,<4'];
const MINUTES_15 = 15 * 60_000;

/**
 * A Python with MLflow's published client, made once for all tests of this machine. Whoever comes second waits for the
 * first at a lock; what is there under its final name is whole.
 * @returns the interpreter; or why there is none here
 */
export async function provideMlflowClient(requirements: readonly string[] = REQUIREMENTS): Promise<{ readonly python: string } | { readonly missing: string }> {
  const digest = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 16);
  const folder = path.join(tmpdir(), `sodate-test-python-${digest}`);
  const python = path.join(folder, 'bin', 'python3');
  const whole = path.join(folder, 'whole');
  if (existsSync(whole)) return { python };
  await mkdir(folder, { recursive: true });
  const list = path.join(folder, `requirements-${process.pid}.txt`);
  await writeFile(list, requirements.join('\n'));
  const script = `test -e "$1/whole" || { python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2" && touch "$1/whole"; }`;
  try {
    await run('flock', [`${folder}.lock`, 'sh', '-c', script, 'sh', folder, list], { timeout: MINUTES_15 });
    return { python };
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : String(error);
    return { missing: `python3 with pip cannot install ${requirements.join(', ')}: ${said}` };
  } finally {
    await rm(list, { force: true });
  }
}
