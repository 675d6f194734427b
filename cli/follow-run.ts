import { followLog } from '@sodate/client/live.ts';
import { PATIENT_BACKOFF, pause, persist } from '@sodate/client/backoff.ts';
import { isPassing } from '@sodate/client/connection-errors.ts';
import { getRun, getWaiting, type Run } from '@sodate/contract/run-routes.ts';
import type { RunState, Waiting } from '@sodate/contract/runs.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { runName } from './output/run.ts';

/** How a run's end becomes an exit code, in `run wait` and wherever `--follow` waits for the end. */
const EXIT_CODES: Readonly<Partial<Record<RunState, number>>> = { succeeded: 0, failed: 1, cancelled: 2 };
export const EXIT_CODES_TEXT = 'Exit code: 0 when the run succeeded, 1 when it failed, 2 when it was cancelled.';

/** Between two looks at a run: short at first, because most waits are short, then so that a long wait costs little. */
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 2_000;

export async function waitForEnd(cli: Cli, params: { tenant: string; run: string }): Promise<Run> {
  const client = cli.client();
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LONGEST_LOOK_MS)) {
    const run = await persist(PATIENT_BACKOFF, cli.signal, isPassing, () => client.call(getRun, { params, signal: cli.signal }));
    if (EXIT_CODES[run.state] !== undefined) return run;
    await pause(wait, cli.signal);
  }
}

export const exitCodeOf = (run: Run): number => EXIT_CODES[run.state] ?? 1;

/** The log as it comes: bytes for people, one object a line with --json. */
export async function printLog(cli: Cli, options: { tenant: string; run: string; attempt?: number | undefined; offset?: number | undefined }): Promise<void> {
  for await (const batch of followLog(cli.client(), options, cli.signal)) {
    const { attempt, offset, bytes } = batch;
    await (cli.json ? cli.show({ attempt, offset, bytes: Buffer.from(bytes).toString('base64') }, () => '') : cli.terminal.out(bytes));
  }
}

/** Shows the log of a run just submitted and answers the exit code its end means. */
export async function followToEnd(cli: Cli, params: { tenant: string; run: string }): Promise<number> {
  return detachable(cli, params.run, async () => {
    await sayWhyWaiting(cli, params, () => true);
    await printLog(cli, params);
    const run = await waitForEnd(cli, params);
    if (cli.json) await cli.show(run, () => '');
    else
      cli.note(
        `${runName(run)} ${run.state}${run.exitCode === null ? '' : ` (exit code ${run.exitCode})`}${run.failure === null ? '' : `: ${run.failure.message} ${run.failure.advice}`}`,
      );
    return exitCodeOf(run);
  });
}

/** A remark for people about a run that has not started, when its reason is one of those meant. */
export async function sayWhyWaiting(cli: Cli, params: { tenant: string; run: string }, meant: (reason: Waiting['reason']) => boolean): Promise<void> {
  if (cli.json) return;
  const { waiting } = await cli.client().call(getWaiting, { params, signal: cli.signal });
  if (waiting !== null && meant(waiting.reason)) cli.note(`${params.run} is waiting: ${waiting.message}`);
}

/** Ctrl-C leaves the run alone, and says so. */
export async function detachable<T>(cli: Cli, run: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!cli.signal.aborted) throw error;
    throw new CliError(`detached; ${run} goes on. \`sodate run log ${run} --follow\` shows it again, \`sodate run stop ${run}\` ends it.`, 130);
  }
}
