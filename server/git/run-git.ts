import { SodateError } from '@sodate/contract/errors.ts';
import type { Log } from '#kit/log.ts';
import { newId } from '#kit/ids.ts';
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where `git` and what it needs are looked for, unless the configuration says otherwise. */
export const DEFAULT_GIT_SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';
/** A first fetch of a large repository takes minutes; nothing sensible takes longer than this. */
const GIT_TIMEOUT_MS = 15 * 60_000;
/** 100,000 refs of 100 bytes fit several times. */
const GIT_OUTPUT_BYTES_LIMIT = 32 * 1024 * 1024;

interface GitAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the git binary without a shell, in an environment that holds nothing of the server's own, under one configuration
 * file of ours: git never asks, never runs a hook, never speaks another protocol than that of local paths.
 */
export interface RunGit {
  /**
   * @param about the repository as its users know it, for error texts
   * @throws SodateError `git-failed` when git is missing, takes too long or says too much; its exit code is an answer
   */
  ask(about: string, args: readonly string[], input?: string): Promise<GitAnswer>;
  /** As `ask`, and an exit code other than 0 is `git-failed` too. */
  must(about: string, args: readonly string[], input?: string): Promise<string>;
}

/**
 * `safe.directory` must stand in a file: upload-pack, which reads the origin, drops what `-c` says before it checks who
 * owns the repository. Objects are synced because a commit that a run was accepted with has to survive a power cut.
 */
const CONFIGURATION = `[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\taskPass =
\tattributesFile = /dev/null
\tfsync = all
\tfsyncMethod = batch
[protocol]
\tallow = never
\tversion = 2
[protocol "file"]
\tallow = always
[gc]
\tauto = 0
[maintenance]
\tauto = false
[init]
\tdefaultBranch = main
\ttemplateDir =
[log]
\tshowSignature = false
[advice]
\tdetachedHead = false
`;

export function makeRunGit(options: { readonly folder: string; readonly searchPath: string; readonly log: Log }): RunGit {
  const { folder, searchPath, log } = options;
  const configuration = path.join(folder, 'gitconfig');
  const environment = {
    PATH: searchPath,
    HOME: folder,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configuration,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    // A replace ref would put other content under the commit's name.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_CEILING_DIRECTORIES: folder,
  };

  // Written anew by each process: an older version's file must not stay in force.
  const prepare = async (): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const fresh = `${configuration}.${newId<string>()}`;
    await writeFile(fresh, CONFIGURATION);
    await rename(fresh, configuration);
  };
  const prepared: { promise?: Promise<void> } = {};

  const ask: RunGit['ask'] = async (about, args, input) => {
    prepared.promise ??= prepare();
    try {
      await prepared.promise;
    } catch (error) {
      delete prepared.promise;
      throw error;
    }
    return new Promise((resolve, reject) => {
      const failed = (reason: string, cause: unknown): void => {
        log.warn({ err: cause, repository: about, args }, 'git failed');
        reject(new SodateError('git-failed', { repository: about, reason }, { cause }));
      };
      const child = execFile(
        'git',
        [...args],
        { env: environment, cwd: folder, timeout: GIT_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: GIT_OUTPUT_BYTES_LIMIT, encoding: 'utf8' },
        (error, stdout, stderr) => {
          if (error === null) return resolve({ code: 0, stdout, stderr });
          if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
          if (error.code === 'ENOENT') return failed('the program git is not installed on the server', error);
          if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return failed('it answered with more than 32 MiB', error);
          if (error.killed === true) return failed(`it took longer than ${GIT_TIMEOUT_MS / 60_000} minutes`, error);
          return failed('the program git could not run; the server log has the details', error);
        },
      );
      // git may end without reading its input: only its exit code counts.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input ?? '');
    });
  };

  return {
    ask,
    async must(about, args, input) {
      const answer = await ask(about, args, input);
      if (answer.code === 0) return answer.stdout;
      log.warn({ repository: about, args, code: answer.code, stderr: answer.stderr }, 'git failed');
      throw new SodateError('git-failed', { repository: about, reason: reasonIn(answer.stderr) });
    },
  };
}

/** The line of git's complaint that says most, without the server's paths: only system admins may know those. */
export function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((each) => /^(fatal|error):/.test(each)) ?? lines[0] ?? 'it gave no reason';
  return line
    .replace(/^(fatal|error): */, '')
    .replaceAll(/(?<![\w.])\/[^\s'":]+/g, '…')
    .slice(0, 300);
}
