import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { FAILURE_CLASSES } from '@sodate/contract/failures.ts';
import { getLog, getRun, getTimeline, listAttempts } from '@sodate/contract/run-routes.ts';
import type { Attempt as AttemptSchema } from '@sodate/contract/runs.ts';
import type { z } from 'zod';
import { expectedLines, type PlannedRun, runsInContainer } from './planned-run.ts';
import type { Outage } from './storm.ts';

type Attempt = z.infer<typeof AttemptSchema>;

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

export interface CheckedEnd {
  /** Everything that is wrong with the run, each as a line for people; nothing when all is well. */
  readonly faults: readonly string[];
  /** Why it was tried again, for people. */
  readonly retries: readonly string[];
}

/** What became of one run in the storm. */
export async function checkEnd({ client, tenant, home, planned, id, followed, outages }: CheckedRun): Promise<CheckedEnd> {
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

  const tries = attempts.items.length;
  const steps = timeline.items.map(({ state }) => state);
  for (const state of ['queued', 'starting', 'running', 'finishing'] as const)
    if (steps.filter((step) => step === state).length > Math.max(1, tries)) fault(`was ${state} more often than it was tried: ${steps.join(' → ')}`);
  if (steps.filter((step) => TERMINAL.includes(step)).length !== 1 || !TERMINAL.includes(steps.at(-1) ?? ''))
    fault(`ended other than once: ${steps.join(' → ')}`);

  const folder = path.join(home, 'runs', id);
  const lives = (await readFile(path.join(folder, 'output', 'ran'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
  const ran = lives.length > 0;
  if (lives.length > tries || new Set(lives).size !== lives.length || !lives.every((life) => isLifeOf(planned, life)))
    fault(`was tried ${tries} times and ran as ${JSON.stringify(lives)}`);
  const logs = (await readdir(path.join(folder, 'logs')).catch(() => [])).filter((name) => name.endsWith('.log'));
  if (logs.length > tries) fault(`${logs.length} logs`);
  const ended = timeline.items.findLast(({ state }) => state === 'finishing')?.at;
  // Until the platform took up its end: an engine that is struck between an end and its note of it knows as little as one struck before.
  const takenUp = ({ number }: Attempt): number => Date.parse(attempts.items.find((next) => next.number === number + 1)?.placedAt ?? ended ?? '');
  const wasStruck = (attempt: Attempt): boolean =>
    runsInContainer(planned) && outages.some(({ from, until }) => Date.parse(attempt.placedAt) <= until.getTime() && takenUp(attempt) >= from.getTime());
  // Only an engine that was killed under a run is a reason to try again, and only what is said to be the platform's fault.
  for (const earlier of attempts.items.slice(0, -1))
    if (!wasStruck(earlier) || earlier.failure?.fault !== 'platform') fault(`was tried again after ${JSON.stringify(earlier)}`);
  // As many engines were killed under it as it has tries: then the platform gives it up, and says so.
  const usedUp = tries > FAILURE_CLASSES['node-lost'].automaticRetries && attempts.items.every((one) => wasStruck(one) && one.failure?.class === 'node-lost');
  // One that was stopped may have been stopped before its job began.
  if (!ran && !usedUp && planned.shape !== 'stopped') fault('never ran');
  const attempt = attempts.items.at(-1);
  // The grace counts from when the end was asked for. Where the server was away for all of it, the kill is due at once.
  const asked = timeline.items.findLast(({ state }) => state === 'stopping')?.at;
  const graceIsOver =
    asked !== undefined && ended !== undefined && Date.parse(ended) - Date.parse(asked) >= GRACE_MS[planned.shape === 'over-time' ? 'over-time' : 'stopped'];
  const sawOutage = attempt !== undefined && wasStruck(attempt);
  const wanted = usedUp ? [`failed, failure node-lost, exit code ${attempt?.exitCode}, signal null`] : wantedEnds(planned, { ran, graceIsOver, sawOutage });
  const found = `${run.state}, failure ${run.failure?.class ?? 'none'}, exit code ${attempt?.exitCode}, signal ${attempt?.signal}`;
  if (!wanted.includes(found)) fault(`ended as ${found} instead of ${wanted.join(' or ')}: ${JSON.stringify({ attempts: attempts.items, outages })}`);
  const ownCode = attempt?.exitCode ?? null;
  if (run.exitCode !== ownCode) fault(`has the exit code ${run.exitCode}, its attempt ${ownCode}`);

  const lines = planned.shape === 'told' ? Number(await readFile(path.join(folder, 'output', 'lines'), 'utf8').catch(() => '-1')) : planned.lines;
  faults.push(...logFaults(planned, log, lines, sawOutage).map((what) => `${planned.token}: ${what}`));
  if (followed !== null && !followed.equals(log))
    fault(`whoever followed its log got ${followed.length} bytes, it has ${log.length}; they differ from byte ${firstDifference(followed, log)} on`);
  const retries = attempts.items.slice(0, -1).map(({ failure }) => `${planned.token}: ${failure?.class}: ${failure?.message}`);
  return { faults, retries };
}

/** What a job writes down when it begins: a container also which one it is. */
const isLifeOf = ({ image, token }: PlannedRun, life: string): boolean =>
  image === 'host' ? life === token : life.startsWith(`${token} `) && /^[0-9a-f]{64}$/.test(life.slice(token.length + 1));

/**
 * What may be said of the end. A process that a signal ended has that signal and no exit code; a container has the code
 * that its first process, which passes signals on, makes of it.
 */
function wantedEnds(planned: PlannedRun, seen: { readonly ran: boolean; readonly graceIsOver: boolean; readonly sawOutage: boolean }): readonly string[] {
  const bySignal = (signal: 'SIGTERM' | 'SIGKILL'): string =>
    runsInContainer(planned) ? `exit code ${signal === 'SIGTERM' ? 143 : 137}, signal null` : `exit code null, signal ${signal}`;
  const asked = [
    bySignal('SIGTERM'),
    ...(planned.stubborn || seen.graceIsOver ? [bySignal('SIGKILL')] : []),
    // Before it is killed it may no longer begin processes; a shell that lives on, since the server was struck just then, gives up by itself.
    ...(!runsInContainer(planned) && (planned.stubborn || seen.graceIsOver) ? ['exit code 254, signal null'] : []),
    // An engine that was killed between an end and its note of it knows only that it has ended. Where that was asked for, it is as good.
    ...(seen.sawOutage ? ['exit code 255, signal null', 'exit code null, signal null'] : []),
  ];
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

/**
 * Complete and in order on each stream; of a job that was ended, what it wrote until then, its last line whole or not there.
 * Where the container engine was down meanwhile, lines may be missing, since nobody was there to take them, but none is
 * doubled, changed or out of order.
 */
function logFaults(planned: PlannedRun, log: Buffer, lines: number, sawOutage: boolean): readonly string[] {
  const found = log.toString('latin1').split('\n');
  const rest = found.pop();
  const faults = rest === '' ? [] : [`its log ends in the middle of a line: ${JSON.stringify(rest)}`];
  const expected = expectedLines(planned, lines);
  const cutOff = planned.shape === 'stopped' || planned.shape === 'over-time';
  for (const stream of ['out', 'err'] as const) {
    const got = found.filter((line) => line.startsWith(`${stream} `));
    const present = new Set(got);
    const wanted = sawOutage ? expected[stream].filter((line) => present.has(line)) : cutOff ? expected[stream].slice(0, got.length) : expected[stream];
    const wrong = wanted.findIndex((line, at) => got[at] !== line);
    if (got.length !== wanted.length) faults.push(`${got.length} lines on ${stream} instead of ${wanted.length}`);
    else if (wrong >= 0) faults.push(`line ${wrong} on ${stream} is ${JSON.stringify(got[wrong]?.slice(0, 100))}`);
  }
  // A job that is to be killed may no longer fork, or lose a child a moment before its shell, which then says so.
  const strange = found.find((line) => !/^(out|err) /.test(line) && !(planned.stubborn && /fork: |: +\d+ Killed +sleep 1$/.test(line)));
  if (strange !== undefined) faults.push(`its log has a line that the job did not write: ${JSON.stringify(strange.slice(0, 200))}`);
  return faults;
}

function firstDifference(a: Buffer, b: Buffer): number {
  for (let at = 0; ; at += 1) if (a[at] !== b[at]) return at;
}
