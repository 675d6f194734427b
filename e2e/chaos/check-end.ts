import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { getLog, getRun, getTimeline, listAttempts, type Run } from '@sodate/contract/run-routes.ts';
import { expectedLines, type PlannedRun } from './planned-run.ts';

/** As the engine gives to a run over its time limit, and as the storm asks for. */
const GRACE_MS = { 'over-time': 10_000, stopped: 30_000 } as const;
const TERMINAL = ['succeeded', 'failed', 'cancelled'];

export interface CheckedRun {
  readonly client: Client;
  readonly tenant: string;
  readonly home: string;
  readonly planned: PlannedRun;
  readonly id: string;
  /** What somebody who read the log live from the first byte on got, or null. */
  readonly followed: Buffer | null;
}

/** Everything that is wrong with one run after the storm, each as a line for people; nothing when all is well. */
export async function findFaults({ client, tenant, home, planned, id, followed }: CheckedRun): Promise<readonly string[]> {
  const params = { tenant, run: id };
  const [run, attempts, timeline, log] = await Promise.all([
    client.call(getRun, { params }),
    client.call(listAttempts, { params }),
    client.call(getTimeline, { params }),
    client.bytes(getLog, { params }).then(async (answer) => Buffer.from(await answer.arrayBuffer())),
  ]);
  const faults: string[] = [];
  const fault = (what: string): void => void faults.push(`${planned.token} (${planned.shape}${planned.stubborn ? ', stubborn' : ''}): ${what}`);

  const wrongEnd = wrongEndOf(planned, run);
  if (wrongEnd !== null) fault(wrongEnd);
  const steps = timeline.items.map(({ state }) => state);
  for (const state of ['queued', 'starting', 'running', 'finishing'] as const)
    if (steps.filter((step) => step === state).length > 1) fault(`was ${state} more than once: ${steps.join(' → ')}`);
  if (steps.filter((step) => TERMINAL.includes(step)).length !== 1 || !TERMINAL.includes(steps.at(-1) ?? ''))
    fault(`ended other than once: ${steps.join(' → ')}`);

  const folder = path.join(home, 'runs', id);
  const tokens = await readFile(path.join(folder, 'output', 'ran'), 'utf8').catch(() => '');
  const ran = tokens !== '';
  if (ran && tokens !== `${planned.token}\n`) fault(`ran other than once: ${JSON.stringify(tokens)}`);
  // One that was stopped may have been stopped before its job began.
  if (!ran && planned.shape !== 'stopped') fault('never ran');
  if (attempts.items.length > 1 || (ran && attempts.items.length !== 1)) fault(`${attempts.items.length} attempts`);
  const logs = await readdir(path.join(folder, 'logs')).catch(() => []);
  if (logs.length > 1) fault(`${logs.length} logs`);
  const attempt = attempts.items[0];
  // The grace counts from when the end was asked for. Where the server was away for all of it, the kill is due at once.
  const asked = timeline.items.find(({ state }) => state === 'stopping')?.at;
  const ended = timeline.items.find(({ state }) => state === 'finishing')?.at;
  const graceIsOver =
    asked !== undefined && ended !== undefined && Date.parse(ended) - Date.parse(asked) >= GRACE_MS[planned.shape === 'over-time' ? 'over-time' : 'stopped'];
  const wantedSignals = planned.stubborn || graceIsOver ? ['SIGKILL', 'SIGTERM'] : ['SIGTERM'];
  if (planned.shape === 'plain' || planned.shape === 'told') {
    if (attempt?.exitCode !== planned.code || attempt.signal !== null)
      fault(`its attempt ended with ${attempt?.exitCode}, ${attempt?.signal} instead of ${planned.code}`);
  } else if (ran && !wantedSignals.includes(attempt?.signal ?? ''))
    fault(`its attempt ended with ${attempt?.exitCode}, ${attempt?.signal} instead of ${wantedSignals.join(' or ')}`);

  const lines = planned.shape === 'told' ? Number(await readFile(path.join(folder, 'output', 'lines'), 'utf8').catch(() => '-1')) : planned.lines;
  faults.push(...logFaults(planned, log, lines).map((what) => `${planned.token}: ${what}`));
  if (followed !== null && !followed.equals(log))
    fault(`whoever followed its log got ${followed.length} bytes, it has ${log.length}; they differ from byte ${firstDifference(followed, log)} on`);
  return faults;
}

function wrongEndOf(planned: PlannedRun, run: Run): string | null {
  const found = `${run.state}, exit code ${run.exitCode}, failure ${run.failure?.class ?? 'none'}`;
  const code = planned.code;
  const wanted: Readonly<Record<PlannedRun['shape'], string>> = {
    plain: code === 0 ? 'succeeded, exit code 0, failure none' : `failed, exit code ${code}, failure user-error`,
    told: code === 0 ? 'succeeded, exit code 0, failure none' : `failed, exit code ${code}, failure user-error`,
    stopped: 'cancelled, exit code null, failure none',
    'over-time': 'failed, exit code null, failure time-limit',
  };
  return found === wanted[planned.shape] ? null : `ended as ${found} instead of ${wanted[planned.shape]}`;
}

/** Complete and in order on each stream; of a job that was ended, what it wrote until then, its last line whole or not there. */
function logFaults(planned: PlannedRun, log: Buffer, lines: number): readonly string[] {
  const found = log.toString('latin1').split('\n');
  const rest = found.pop();
  const faults = rest === '' ? [] : [`its log ends in the middle of a line: ${JSON.stringify(rest)}`];
  const expected = expectedLines(planned, lines);
  const cutOff = planned.shape === 'stopped' || planned.shape === 'over-time';
  for (const stream of ['out', 'err'] as const) {
    const got = found.filter((line) => line.startsWith(`${stream} `));
    const wanted = cutOff ? expected[stream].slice(0, got.length) : expected[stream];
    const wrong = wanted.findIndex((line, at) => got[at] !== line);
    if (got.length !== wanted.length) faults.push(`${got.length} lines on ${stream} instead of ${wanted.length}`);
    else if (wrong >= 0) faults.push(`line ${wrong} on ${stream} is ${JSON.stringify(got[wrong]?.slice(0, 100))}`);
  }
  // A job that is to be killed may no longer fork, and its shell may have the time to complain.
  const strange = found.find((line) => !/^(out|err) /.test(line) && !(planned.stubborn && line.includes('fork: ')));
  if (strange !== undefined) faults.push(`its log has a line that the job did not write: ${JSON.stringify(strange.slice(0, 200))}`);
  return faults;
}

function firstDifference(a: Buffer, b: Buffer): number {
  for (let at = 0; ; at += 1) if (a[at] !== b[at]) return at;
}
