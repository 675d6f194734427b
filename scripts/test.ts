import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { startVitest } from 'vitest/node';
import { PlainCountReporter } from './plain-count-reporter.ts';

/**
 * All tests: first what looks at the sources (types, lint, format, unused code, generated files), then every suite. What
 * the tests need and Debian has is installed when this runs as root; elsewhere it is named, and the tests that need it
 * are skipped by name.
 */
const root = path.join(import.meta.dirname, '..');

interface Tool {
  /** A program's name, or where something stands that is none. */
  readonly program: string;
  readonly debianPackage: string;
  readonly what: string;
}

const TOOLS: readonly Tool[] = [
  { program: 'git', debianPackage: 'git', what: 'repositories' },
  { program: 'sshd', debianPackage: 'openssh-server', what: 'a git server over SSH' },
  { program: 'bwrap', debianPackage: 'bubblewrap', what: 'the sandbox of local jobs' },
  { program: 'dockerd', debianPackage: 'docker.io', what: 'jobs in containers, on an engine of the tests’ own' },
  { program: 'docker-registry', debianPackage: 'docker-registry', what: 'registries of images' },
  { program: 'busybox', debianPackage: 'busybox-static', what: 'images to run' },
  { program: '/usr/lib/python3/dist-packages/sklearn', debianPackage: 'python3-sklearn', what: 'the example with scikit-learn' },
  { program: '/usr/lib/python3/dist-packages/torch', debianPackage: 'python3-torch', what: 'the example with PyTorch' },
  { program: '/usr/lib/python3/dist-packages/PIL', debianPackage: 'python3-pil', what: 'images in both' },
  { program: 'unzip', debianPackage: 'unzip', what: 'archives' },
  { program: 'chromium', debianPackage: 'chromium', what: 'journeys through the web UI' },
];

const has = (program: string): boolean =>
  (program.startsWith('/') && existsSync(program)) ||
  (process.env['PATH'] ?? '')
    .split(':')
    .concat('/usr/sbin', '/sbin')
    .some((folder) => folder !== '' && existsSync(path.join(folder, program)));

function installTools(): void {
  const missing = TOOLS.filter(({ program }) => !has(program));
  if (missing.length === 0) return;
  const debian = existsSync('/etc/debian_version') && process.getuid?.() === 0;
  if (!debian) {
    for (const { program, what } of missing) process.stdout.write(`missing: ${program} (${what}); tests that need it are skipped\n`);
    return;
  }
  const packages = missing.map(({ debianPackage }) => debianPackage);
  process.stdout.write(`Installing ${packages.join(', ')} …\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): boolean => spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: environment }).status === 0;
  if (!apt('install', '-y', '--no-install-recommends', ...packages)) {
    apt('update');
    if (!apt('install', '-y', '--no-install-recommends', ...packages))
      process.stdout.write(`Could not install ${packages.join(', ')}; tests that need them are skipped\n`);
  }
}

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'],
  ['types of the web UI', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', 'web'],
  ['lint', 'node_modules/oxlint/bin/oxlint', '--quiet'],
  ['format', 'node_modules/oxfmt/bin/oxfmt', '--check'],
  ['unused code', 'node_modules/knip/bin/knip.js', '--no-progress'],
  ['generated files', '--import', 'tsx', 'scripts/generate.ts', '--check'],
  ['build', '--import', 'tsx', 'scripts/build.ts'],
];

installTools();
const failedChecks: string[] = [];
for (const [name, ...command] of CHECKS) {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
  process.stdout.write(`${status === 0 ? 'ok' : 'FAILED'}: ${name}\n`);
  if (status === 0) continue;
  failedChecks.push(name);
  process.stdout.write(`${stdout}${stderr}\n`);
}

const filters = process.argv.slice(3);
const vitest = await startVitest('test', filters, { root, watch: false, reporters: ['default', new PlainCountReporter()] });
const failed =
  vitest.state.getCountOfFailedTests() > 0 ||
  vitest.state.getUnhandledErrors().length > 0 ||
  vitest.state.getFiles().some((file) => file.result?.state === 'fail');
await vitest.close();
if (failedChecks.length > 0) process.stdout.write(`Checks that failed: ${failedChecks.join(', ')}\n`);
process.exit(failed || failedChecks.length > 0 ? 1 : 0);
