import { constants } from 'node:os';
import type { JobCommand, Exit } from '../executor.ts';

/** What the file `exit` of an attempt says. Written ahead as `prepared`, overwritten in place by the monitor. */
export type ExitRecord =
  | { readonly kind: 'prepared'; readonly boot: string }
  | { readonly kind: 'exit'; readonly code: number; readonly outOfMemoryKills: number }
  /** Stopped before anything ran. */
  | { readonly kind: 'stopped'; readonly signal: string };

/** More than any record, so that overwriting it needs no new block. */
const RECORD_BYTES = 128;
export const preparedRecord = (boot: string): string => `${`prepared ${boot} .`.padEnd(RECORD_BYTES - 1)}\n`;
export const stoppedRecord = (signal: string): string => `stopped ${signal} .\n`;

export function parseExitRecord(text: string): ExitRecord | null {
  const words = text.split('\n', 1)[0]?.trimEnd().split(' ') ?? [];
  if (words.at(-1) !== '.') return null;
  const [kind, first = '', second = ''] = words;
  if (kind === 'prepared') return { kind, boot: first };
  if (kind === 'stopped') return { kind, signal: first };
  if (kind === 'exit') return { kind, code: Number(first), outOfMemoryKills: Number(second) || 0 };
  return null;
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** What a shell answers for a program that died of a signal. */
const SIGNAL_BASE = 128;

export interface EndedJob {
  readonly record: Extract<ExitRecord, { kind: 'exit' }>;
  readonly note: string;
  readonly command: JobCommand;
  readonly memoryBytes: number;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** Turns what the monitor and the shim left behind into an exit. See SHIM for the note. */
export function describeExit({ record, note, command, memoryBytes, startedAt, endedAt }: EndedJob): Exit {
  const times = { startedAt, endedAt };
  const lines = note.split('\n').filter((line) => line !== '');
  const began = lines.indexOf('began');
  const ended = lines.lastIndexOf('ended');
  const signalOfCode = record.code > SIGNAL_BASE ? signalNames.get(record.code - SIGNAL_BASE) : undefined;

  if (began < 0) {
    if (signalOfCode !== undefined && lines.length === 0) return { code: null, signal: signalOfCode, failure: null, ...times };
    const message = `The sandbox could not be made (code ${record.code}): ${lines.join(' ').slice(0, 1000) || 'it said nothing'}`;
    return { code: record.code, signal: null, failure: { class: 'platform', message }, ...times };
  }
  const diedOfSignal = ended < began ? (signalOfCode ?? 'SIGKILL') : ended - began > 1 ? signalOfCode : undefined;
  const how = diedOfSignal === undefined ? { code: record.code, signal: null } : { code: null, signal: diedOfSignal };

  if (record.outOfMemoryKills > 0 && record.code !== 0) {
    const message = `The job used more memory than its ${Math.round(memoryBytes / 2 ** 20)} MiB.`;
    return { ...how, failure: { class: 'out-of-memory', message }, ...times };
  }
  if (command.kind === 'list' && (how.code === 127 || how.code === 126)) {
    const name = command.argv[0] ?? '';
    const message = `The command ${JSON.stringify(name.slice(0, 200))} ${how.code === 127 ? 'was not found' : 'could not be executed'}.`;
    return { ...how, failure: { class: 'user-error', message }, ...times };
  }
  return { ...how, failure: null, ...times };
}
