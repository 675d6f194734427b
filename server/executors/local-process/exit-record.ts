import { constants } from 'node:os';
import { z } from 'zod';
import type { Exit } from '../executor.ts';
import { runWords } from '@sodate/contract/run-words.ts';

/** What the first line of the file `exit` says. Written ahead as `prepared`, overwritten in place by the monitor. */
export type ExitRecord =
  | { readonly kind: 'prepared'; readonly boot: string }
  | { readonly kind: 'exit'; readonly code: number; readonly outOfMemoryKills: number };

export const Facts = z.object({
  /** The first word of a command given as a list; null for a script. */
  program: z.string().nullable(),
  memoryBytes: z.number(),
});
export type Facts = z.infer<typeof Facts>;

/** More than any record, so that overwriting it needs no new block. */
const RECORD_BYTES = 128;
/** The facts are what describing the end needs of a spec, for a server that has none any more. */
export const preparedRecord = (boot: string, facts: Facts): string => `${`prepared ${boot} .`.padEnd(RECORD_BYTES - 1)}\n${JSON.stringify(facts)}`;

export function parseExitRecord(text: string): ExitRecord | null {
  const words = text.split('\n', 1)[0]?.trimEnd().split(' ') ?? [];
  if (words.at(-1) !== '.') return null;
  const [kind, first = '', second = ''] = words;
  if (kind === 'prepared') return { kind, boot: first };
  if (kind === 'exit') return { kind, code: Number(first), outOfMemoryKills: Number(second) || 0 };
  return null;
}

/** The monitor's line is shorter than the one it overwrites; what follows it up to the facts is the rest of that. */
export function parseFacts(text: string): Facts {
  return Facts.parse(JSON.parse(text.slice(RECORD_BYTES)));
}

/** Some have two names, such as SIGABRT and SIGIOT: the first is the usual one. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);
/** What a shell answers for a program that died of a signal. */
const SIGNAL_BASE = 128;

export interface EndedJob {
  readonly record: Extract<ExitRecord, { kind: 'exit' }>;
  readonly note: string;
  readonly facts: Facts;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** Turns what the monitor and the shim left behind into an exit. See SHIM for the note. */
export function describeExit({ record, note, facts: { program, memoryBytes }, startedAt, endedAt }: EndedJob): Exit {
  const times = { startedAt, endedAt };
  const lines = note.split('\n').filter((line) => line !== '');
  const began = lines.indexOf('began');
  const ended = lines.lastIndexOf('ended');
  const signalOfCode = record.code > SIGNAL_BASE ? signalNames.get(record.code - SIGNAL_BASE) : undefined;

  if (began < 0) {
    if (signalOfCode !== undefined && lines.length === 0) return { code: null, signal: signalOfCode, failure: null, ...times };
    const said = lines.join(' ').slice(0, 1000);
    const words = said === '' ? runWords('sandbox-silent', { exitCode: record.code }) : runWords('sandbox-not-made', { exitCode: record.code, said });
    return { code: record.code, signal: null, failure: { class: 'platform', words }, ...times };
  }
  const diedOfSignal = ended < began ? (signalOfCode ?? 'SIGKILL') : ended - began > 1 ? signalOfCode : undefined;
  const how = diedOfSignal === undefined ? { code: record.code, signal: null } : { code: null, signal: diedOfSignal };

  if (record.outOfMemoryKills > 0 && record.code !== 0) {
    const words = runWords('memory-exceeded', { mebibytes: Math.round(memoryBytes / 2 ** 20) });
    return { ...how, failure: { class: 'out-of-memory', words }, ...times };
  }
  if (program !== null && (how.code === 127 || how.code === 126)) {
    const words = runWords(how.code === 127 ? 'program-not-found' : 'program-not-executable', { program: JSON.stringify(program) });
    return { ...how, failure: { class: 'user-error', words }, ...times };
  }
  return { ...how, failure: null, ...times };
}
