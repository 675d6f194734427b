import { backup } from '#commands/backup.ts';
import { CommandError } from '#commands/command-error.ts';
import { doctor } from '#commands/doctor.ts';
import { down } from '#commands/down.ts';
import { restore } from '#commands/restore.ts';
import { status } from '#commands/status.ts';
import { type ProgramFiles, up } from '#commands/up.ts';
import { upDetached } from '#commands/up-detached.ts';
import { ConfigError, readConfig } from '#config/config.ts';
import { PostgresError } from '#postgres/postgres-error.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `Usage: ./sodate <command>

  up [--port N] [--host ADDRESS] [--detach]   run the server, in the foreground or detached
  down [--jobs]                               end the server; --jobs ends running jobs too
  status [--json]                             what runs here
  doctor [--json]                             look for what would keep Sodate from working, and say how to mend it
  backup [FOLDER] [--incremental EARLIER] [--json]   copy everything, also while the server runs
  restore FOLDER [--verify]                   put a backup into an empty home; --verify only looks whether it is whole

Settings are environment variables; see docs/config.md.
`;

/** In the bundle, workers and migrations lie beside this file; in the sources, where they are written. */
function programFiles(): ProgramFiles {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const bundled = existsSync(path.join(here, 'hash-worker.mjs'));
  if (!bundled) return { migrations: path.join(here, 'migrations'), webFolder: path.join(here, '..', 'web', 'dist') };
  const worker = (name: string): URL => new URL(`./${name}.mjs`, import.meta.url);
  return {
    migrations: path.join(here, 'migrations'),
    webFolder: path.join(here, 'web'),
    workers: { hash: worker('hash-worker'), link: worker('link-worker'), staging: worker('staging-worker'), folder: worker('folder-worker') },
  };
}

async function main(): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  const { values, positionals } = parseArgs({
    args: rest,
    strict: true,
    allowPositionals: command === 'backup' || command === 'restore',
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      detach: { type: 'boolean' },
      jobs: { type: 'boolean' },
      json: { type: 'boolean' },
      incremental: { type: 'string' },
      verify: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (command === undefined || command === 'help' || values.help) return void process.stdout.write(USAGE);
  // oxlint-disable-next-line node/no-process-env -- the one place where the environment is read
  const environment = { ...process.env, ...(values.port ? { SODATE_PORT: values.port } : {}), ...(values.host ? { SODATE_HOST: values.host } : {}) };
  const config = readConfig(environment);
  switch (command) {
    case 'up':
      return values.detach ? upDetached(config, environment) : up(config, programFiles());
    case 'down':
      return down(config, { jobs: values.jobs ?? false });
    case 'status':
      return status(config, { json: values.json ?? false });
    case 'doctor':
      return doctor(config, { json: values.json ?? false });
    case 'backup':
      return backup(config, { target: positionals[0], incremental: values.incremental, json: values.json ?? false });
    case 'restore':
      return restore(config, programFiles(), { source: positionals[0], verify: values.verify ?? false });
    default:
      throw new CommandError(`There is no command ${command}.\n\n${USAGE}`);
  }
}

// Whoever waits for what nobody works on any more would otherwise end without a word, and as if all were well.
process.once('beforeExit', () => {
  process.stderr.write('error: The program stopped before it was done, which is a defect of Sodate. Starting it again is safe.\n');
  process.exit(1);
});

main().then(
  () => process.exit(),
  (error: unknown) => {
    const expected =
      error instanceof CommandError ||
      error instanceof ConfigError ||
      error instanceof PostgresError ||
      isSodateError(error) ||
      (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
    process.stderr.write(`error: ${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
