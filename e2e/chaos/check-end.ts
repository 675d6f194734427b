import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { getLog, getRun, getTimeline, listAttempts } from '@sodate/contract/run-routes.ts';
import { expectedLines, type PlannedRun, runsInContainer } from './planned-run.ts';
import type { Outage } from './storm.ts';

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
  /** When the container engine was down. */
  readonly outages: readonly Outage[];
}

/** Everything that is wrong with one run after the storm, each as a line for people; nothing when all is well. */
export async function findFaults({ client, tenant, home, planned, id, followed, outages }: CheckedRun): Promise<readonly string[]> {
  const params = { tenant, run: id };
  const [run, attempts, timeline, log] = await Promise.all([
    client.call(getRun, { params }),
    client.call(listAttempts, { params }),
    client.call(getTimeline, { params }),
    client.bytes(getLog, { params }).then(async (answer) => Buffer.from(await answer.arrayBuffer())),
  ]);
  const faults: string[] = [];
  const fault = (what: string): void =>
    void faults.push(`${planned.token} (${planned.shape}${planned.stubborn ? ', stubborn' : ''}, ${planned.image}): ${what}`);

  const steps = timeline.items.map(({ state }) => state);
  for (const state of ['queued', 'starting', 'running', 'finishing'] as const)
    if (steps.filter((step) => step === state).length > 1) fault(`was ${state} more than once: ${steps.join(' → ')}`);
  if (steps.filter((step) => TERMINAL.includes(step)).length !== 1 || !TERMINAL.includes(steps.at(-1) ?? ''))
    fault(`ended other than once: ${steps.join(' → ')}`);

  const folder = path.join(home, 'runs', id);
  const tokens = await readFile(path.join(folder, 'output', 'ran'), 'utf8').catch(() => '');
  const ran = tokens !== '';
  if (ran && !wasRunOnce(planned, tokens)) fault(`ran other than once: ${JSON.stringify(tokens)}`);
  // One that was stopped may have been stopped before its job began.
  if (!ran && planned.shape !== 'stopped') fault('never ran');
  if (attempts.items.length > 1 || (ran && attempts.items.length !== 1)) fault(`${attempts.items.length} attempts`);
  const logs = (await readdir(path.join(folder, 'logs')).catch(() => [])).filter((name) => name.endsWith('.log'));
  if (logs.length > 1) fault(`${logs.length} logs`);
  const attempt = attempts.items[0];
  // The grace counts from when the end was asked for. Where the server was away for all of it, the kill is due at once.
  const asked = timeline.items.find(({ state }) => state === 'stopping')?.at;
  const ended = timeline.items.find(({ state }) => state === 'finishing')?.at;
  const graceIsOver =
    asked !== undefined && ended !== undefined && Date.parse(ended) - Date.parse(asked) >= GRACE_MS[planned.shape === 'over-time' ? 'over-time' : 'stopped'];
  const sawOutage =
    runsInContainer(planned) &&
    outages.some(
      ({ from, until }) => attempt !== undefined && (attempt.startedAt ?? '') <= until.toISOString() && (attempt.endedAt ?? '') >= from.toISOString(),
    );
  const wanted = wantedEnds(planned, { ran, graceIsOver, sawOutage });
  const found = `${run.state}, failure ${run.failure?.class ?? 'none'}, exit code ${attempt?.exitCode}, signal ${attempt?.signal}`;
  if (!wanted.includes(found)) fault(`ended as ${found} instead of ${wanted.join(' or ')}`);
  const ownCode = attempt?.exitCode ?? null;
  if (run.exitCode !== ownCode) fault(`has the exit code ${run.exitCode}, its attempt ${ownCode}`);

  const lines = planned.shape === 'told' ? Number(await readFile(path.join(folder, 'output', 'lines'), 'utf8').catch(() => '-1')) : planned.lines;
  faults.push(...logFaults(planned, log, lines).map((what) => `${planned.token}: ${what}`));
  if (followed !== null && !followed.equals(log))
    fault(`whoever followed its log got ${followed.length} bytes, it has ${log.length}; they differ from byte ${firstDifference(followed, log)} on`);
  return faults;
}

/** One line for each time that it began. */
function wasRunOnce({ image, token }: PlannedRun, lines: string): boolean {
  return image === 'host' ? lines === `${token}\n` : new RegExp(`^${token} [0-9a-f]{64}\n$`).test(lines);
}

/**
 * What may be said of the end. A process that a signal ended has that signal and no exit code; a container has the code
 * that its first process, which passes signals on, makes of it.
 */
function wantedEnds(planned: PlannedRun, seen: { readonly ran: boolean; readonly graceIsOver: boolean; readonly sawOutage: boolean }): readonly string[] {
  const bySignal = (signal: 'SIGTERM' | 'SIGKILL'): string =>
    runsInContainer(planned) ? `exit code ${signal === 'SIGTERM' ? 143 : 137}, signal null` : `exit code null, signal ${signal}`;
  const asked = [bySignal('SIGTERM'), ...(planned.stubborn || seen.graceIsOver ? [bySignal('SIGKILL')] : [])];
  const beforeItBegan = [
    'exit code null, signal SIGTERM',
    'exit code null, signal SIGKILL',
    'exit code null, signal null',
    'exit code undefined, signal undefined',
  ];
  switch (planned.shape) {
    case 'plain':
    case 'told':
      return [`${planned.code === 0 ? 'succeeded, failure none' : 'failed, failure user-error'}, exit code ${planned.code}, signal null`];
    case 'signalled':
      return [`failed, failure user-error, ${bySignal('SIGTERM')}`];
    case 'out-of-memory': {
      // The engine hears of it as it happens: one that is down does not.
      const classes = seen.sawOutage ? ['out-of-memory', 'user-error'] : ['out-of-memory'];
      return classes.map((name) => `failed, failure ${name}, ${bySignal('SIGKILL')}`);
    }
    case 'stopped':
      return [...asked, ...(seen.ran ? [] : beforeItBegan)].map((end) => `cancelled, failure none, ${end}`);
    case 'over-time':
      return asked.map((end) => `failed, failure time-limit, ${end}`);
  }
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
