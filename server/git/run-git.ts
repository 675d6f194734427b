import { makeRunProgram, type ProgramAnswer, type RunProgram } from '#git/run-program.ts';
import type { Secret } from '#config/secret.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Log } from '#kit/log.ts';
import { newId } from '#kit/ids.ts';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where `git` and what it needs are looked for, unless the configuration says otherwise. */
export const DEFAULT_GIT_SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';
/** A first fetch of a large repository takes minutes; nothing sensible takes longer than this. */
const GIT_TIMEOUT_MS = 15 * 60_000;
/** 100,000 refs of 100 bytes fit several times. */
const GIT_OUTPUT_BYTES_LIMIT = 32 * 1024 * 1024;
/** From here on git works on what has arrived, without a word. */
const ALL_ARRIVED = /(Receiving objects|Unpacking objects|Resolving deltas): 100%/;

interface GitAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How git reaches an origin that is not a folder, and what it means when that fails. */
export interface Reach {
  /** What git may speak: `https`. */
  readonly protocol: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Never in a log or an error, whoever repeats them to us. */
  readonly secrets: readonly Secret[];
  readonly silenceLimitMs: number;
  /** What git's complaint means. */
  explain(stderr: string): SodateError;
  /** It said nothing for `silenceLimitMs`. */
  silent(): SodateError;
}

export interface AskOptions {
  readonly input?: string | undefined;
  /** Left out where the origin is a folder. */
  readonly reach?: Reach | undefined;
}

/**
 * Runs the git binary without a shell, in an environment that holds nothing of the server's own, under one configuration
 * file of ours: git never asks, never runs a hook, and speaks no protocol but that of local paths, or the one that the
 * call names.
 */
export interface RunGit {
  /**
   * @param about the repository as its users know it, for error texts
   * @throws SodateError `git-failed` when git is missing, takes too long or says too much, `git-server-silent`; its exit code is an answer
   */
  ask(about: string, args: readonly string[], options?: AskOptions): Promise<GitAnswer>;
  /** As `ask`, and an exit code other than 0 is an error too: `git-failed`, or what the call's reach says. */
  must(about: string, args: readonly string[], options?: AskOptions): Promise<string>;
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
[http]
\tfollowRedirects = false
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

export function makeRunGit(options: { readonly folder: string; readonly searchPath: string; readonly log: Log; readonly programs?: RunProgram }): RunGit {
  const { folder, searchPath, log, programs = makeRunProgram() } = options;
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

  const ask: RunGit['ask'] = async (about, args, { input, reach } = {}) => {
    prepared.promise ??= prepare();
    try {
      await prepared.promise;
    } catch (error) {
      delete prepared.promise;
      throw error;
    }
    const failed = (reason: string, cause: unknown): SodateError => {
      log.warn({ err: cause, repository: about, args }, 'git failed');
      return new SodateError('git-failed', { repository: about, reason }, { cause });
    };
    const answer = await programs
      .run({
        program: 'git',
        args,
        environment: reach ? { ...environment, GIT_ALLOW_PROTOCOL: reach.protocol, ...reach.environment } : environment,
        cwd: folder,
        input,
        limitMs: GIT_TIMEOUT_MS,
        silenceLimitMs: reach?.silenceLimitMs,
        mayBeQuietAfter: ALL_ARRIVED,
        stdoutLimitBytes: GIT_OUTPUT_BYTES_LIMIT,
      })
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw failed('the program git is not installed on the server', error);
        throw failed('the program git could not run; the server log has the details', error);
      });
    const stderr = redact(answer.stderr, reach?.secrets ?? []);
    switch (answer.cut) {
      case 'silent':
        log.warn({ repository: about, args, stderr }, 'a git server said nothing');
        throw reach?.silent() ?? failed('it said nothing', undefined);
      case 'too-long':
        throw failed(`it took longer than ${GIT_TIMEOUT_MS / 60_000} minutes`, undefined);
      case 'too-much':
        throw failed('it answered with more than 32 MiB', undefined);
      case 'closed':
        throw new SodateError('shutting-down');
      case null:
        return { code: exitCode(answer), stdout: answer.stdout, stderr };
    }
  };

  return {
    ask,
    async must(about, args, options) {
      const answer = await ask(about, args, options);
      if (answer.code === 0) return answer.stdout;
      log.warn({ repository: about, args, code: answer.code, stderr: answer.stderr }, 'git failed');
      throw gitFailure(about, answer.stderr, options?.reach);
    },
  };
}

/** As shells count: 128 and the signal for what a signal ended, of which only "not 0" matters. */
const exitCode = ({ code }: ProgramAnswer): number => code ?? 128;

/** What a complaint of git means. */
export const gitFailure = (about: string, stderr: string, reach: Reach | undefined): SodateError =>
  reach?.explain(stderr) ?? new SodateError('git-failed', { repository: about, reason: reasonIn(stderr) });

export const redact = (text: string, secrets: readonly Secret[]): string =>
  secrets.reduce((shown, secret) => (secret.reveal() === '' ? shown : shown.replaceAll(secret.reveal(), '[secret]')), text);

/** The line of git's complaint that says most, without the server's paths: only system admins may know those. */
export function reasonIn(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const line = lines.find((each) => /^(fatal|error):/.test(each)) ?? lines[0] ?? 'it gave no reason';
  return line
    .replace(/^(fatal|error): */, '')
    .replaceAll(/(?<![\w.])\/[^\s'":]+/g, '…')
    .replaceAll(/[\u0000-\u001f\u007f]/g, '?')
    .slice(0, 300);
}
