import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError, USE_YOUR_OWN, errorCode } from './postgres-error.ts';
import type { PostgresTools } from './prepare-tools.ts';
import { endAtOnce, processesIn } from './read-process.ts';

export const ADMINISTRATOR = 'postgres';
/** The role and the database the platform uses. Not a superuser, so that an injected statement cannot run programs or read files. */
export const PLATFORM_ROLE = 'sodate';
export const PLATFORM_DATABASE = 'sodate';

const PASSWORD_FILE = 'sodate.password';
const DRAFT_PREFIX = 'initialising-';

/**
 * Makes the database cluster in a draft folder and renames it when everything, roles and password included, is in it and on disk. Dying
 * anywhere before the rename leaves a draft that the next call removes; called under the start lock, so no living process works on one.
 */
export async function initialiseCluster(folder: string, dataFolder: string, tools: PostgresTools, durable: boolean): Promise<void> {
  await removeDrafts(folder);
  const draft = join(folder, `${DRAFT_PREFIX}${randomUUID()}`);
  try {
    await fillDraft(draft, tools, durable);
    await rename(draft, dataFolder);
    if (durable) await syncFolder(folder);
  } catch (error) {
    await removeDrafts(folder);
    throw error;
  }
}

async function fillDraft(draft: string, tools: PostgresTools, durable: boolean): Promise<void> {
  // The built-in C.UTF-8 sorts alike everywhere; a locale of the host could change with its C library and corrupt indexes.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  // What is a letter the search for texts asks the host all the same: by C it knows no Japanese.
  const letters = '--lc-ctype=C.UTF-8';
  // --no-sync: initdb's own sync would come before the roles are made. The password has 256 random bits, so iterations (4,096 by default, on every connection) add nothing.
  const how = ['--no-sync', '--no-instructions', '--auth=peer', `--username=${ADMINISTRATOR}`, '--set', 'scram_iterations=1'];
  const made = await tools.run('initdb', ['-D', draft, ...how, ...locale, letters]);
  // A host without that locale is refused before anything is made: such texts are found there, but without an index.
  if (made.code !== 0 && made.output.includes('invalid locale name')) await must(tools.run('initdb', ['-D', draft, ...how, ...locale]));
  else if (made.code !== 0) refuse(made.output);

  const password = randomBytes(32).toString('base64url');
  const statements = [
    `ALTER ROLE ${ADMINISTRATOR} PASSWORD '${password}'`,
    `CREATE ROLE ${PLATFORM_ROLE} LOGIN PASSWORD '${password}'`,
    // Renamed rather than created: a new database would be one more copy of the template (7 MB).
    `ALTER DATABASE postgres RENAME TO ${PLATFORM_DATABASE}`,
    `ALTER DATABASE ${PLATFORM_DATABASE} OWNER TO ${PLATFORM_ROLE}`,
  ];
  await must(
    tools.run(
      'postgres',
      ['--single', '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic', '-D', draft, 'template1'],
      `${statements.join('\n')}\n`,
    ),
  );
  await writeFile(join(draft, PASSWORD_FILE), password, { mode: 0o600 });
  await writeFile(join(draft, 'pg_hba.conf'), 'local all all scram-sha-256\n', { mode: 0o600 });
  await tools.own(draft);
  if (durable) await must(tools.run('initdb', ['--sync-only', '-D', draft]));
}

async function must(running: Promise<{ readonly code: number; readonly output: string }>): Promise<void> {
  const { code, output } = await running;
  if (code !== 0) refuse(output);
}

function refuse(output: string): never {
  throw new PostgresError(
    'cannot-initialise',
    `The database could not be created. Is the disk full or read-only? PostgreSQL said: ${output.split('\n').slice(-8).join('\n')}`,
  );
}

async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(DRAFT_PREFIX)) continue;
    // An initdb whose owner was killed goes on by itself. Without its PostgreSQL it fails, and removes files at the same time as we do, hence the retries.
    for (const { pid } of processesIn(join(folder, name)) ?? []) endAtOnce(pid);
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What is in the data folder: nothing yet, or a cluster of this major version. Anything else is an error, and is never touched. */
export async function inspectCluster(dataFolder: string, majorVersion: number): Promise<'missing' | 'usable'> {
  if (!existsSync(dataFolder) || (await readdir(dataFolder)).length === 0) return 'missing';
  const version = await clusterVersion(dataFolder);
  if (version === undefined || !existsSync(join(dataFolder, PASSWORD_FILE))) {
    throw new PostgresError(
      'not-our-folder',
      `${dataFolder} is not empty and was not made by Sodate. Move it away to start with a new database, or choose another SODATE_HOME.`,
    );
  }
  if (version !== String(majorVersion)) {
    throw new PostgresError(
      'other-version',
      `${dataFolder} was made by PostgreSQL ${version}, and this Sodate brings PostgreSQL ${majorVersion}, which cannot read it. Make a backup with the Sodate that made it (sodate backup) and restore that into a new SODATE_HOME, ${USE_YOUR_OWN}.`,
    );
  }
  return 'usable';
}

export async function clusterVersion(dataFolder: string): Promise<string | undefined> {
  return await readFile(join(dataFolder, 'PG_VERSION'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

export async function readPassword(dataFolder: string): Promise<string> {
  try {
    return await readFile(join(dataFolder, PASSWORD_FILE), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      throw new PostgresError(
        'not-our-folder',
        `${join(dataFolder, PASSWORD_FILE)} is missing, so nobody can sign in to the database. Put it back from a backup.`,
      );
    throw error;
  }
}
