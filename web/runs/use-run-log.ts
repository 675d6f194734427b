import { followLog } from '@sodate/client/live.ts';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { whileVisible } from '../kit/live-changes.ts';
import { isSessionEnd, usePlatform } from '../kit/platform.tsx';
import { createLogLines, type LogLines } from '../ui/log/log-lines.ts';

/** A log opens at its last so many bytes, so that a huge one shows its end at once; the rest is loaded when asked for. */
export const LOG_TAIL_BYTES = 4_000_000;

export interface RunLog {
  readonly lines: LogLines;
  /** Grows with every drawing that brings something new. */
  readonly version: number;
  readonly status: 'loading' | 'live' | 'complete' | 'failed';
  readonly error: unknown;
  /** Where in the log the first line begins. */
  readonly startsAt: number;
  /** Bytes of the log up to what is shown. */
  readonly endsAt: number;
}

interface Source {
  readonly tenant: string;
  readonly run: string;
  /** Without it the latest, going over to the next when there is one. */
  readonly attempt: number | undefined;
  readonly latestAttempt: number;
  readonly fromBeginning: boolean;
  /** Changing it reads the log anew. */
  readonly turn: number;
}

/** The log of a run, growing while it is written. */
export function useRunLog({ tenant, run, attempt, latestAttempt, fromBeginning, turn }: Source): RunLog {
  const { client, sessionExpired } = usePlatform();
  const { t } = useTranslation();
  const [log, setLog] = useState(emptyLog);
  // Neither another language nor another attempt is a reason to read everything again.
  const latest = useRef({ t, attempt: latestAttempt });
  useEffect(() => {
    latest.current = { t, attempt: latestAttempt };
  });

  useEffect(() => {
    const lines = createLogLines();
    let state: Omit<RunLog, 'version'> = { lines, status: 'loading', error: null, startsAt: 0, endsAt: 0 };
    let version = 0;
    let frame = 0;
    // A busy log brings hundreds of batches a second; the screen needs at most one drawing per frame.
    const draw = (): void => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        version += 1;
        setLog({ ...state, version });
      });
    };
    const update = (change: Partial<Omit<RunLog, 'version'>>): void => {
      state = { ...state, ...change };
      draw();
    };

    let current: { attempt: number; offset: number; decoder: TextDecoder } | null = null;
    let cutOff = false;
    const take = (batch: { attempt: number; offset: number; bytes: Uint8Array }): void => {
      if (current?.attempt !== batch.attempt) {
        if (current !== null) lines.append(`\n${latest.current.t('log.attemptBegins', { number: batch.attempt })}\n`);
        const startsAt = Math.max(0, batch.offset - batch.bytes.length);
        if (current === null) {
          cutOff = startsAt > 0;
          update({ startsAt });
        }
        current = { attempt: batch.attempt, offset: batch.offset, decoder: new TextDecoder() };
      }
      let bytes = batch.bytes;
      if (cutOff) {
        // The tail begins in the middle of a line, perhaps of a character: what is before the first line break is left out.
        const lineBreak = bytes.indexOf(10);
        cutOff = lineBreak < 0;
        update({ startsAt: batch.offset - bytes.length + (cutOff ? bytes.length : lineBreak + 1) });
        bytes = cutOff ? bytes.subarray(bytes.length) : bytes.subarray(lineBreak + 1);
      }
      current.offset = batch.offset;
      lines.append(current.decoder.decode(bytes, { stream: true }));
      update({ status: 'live', endsAt: batch.offset });
    };

    draw();
    const reading = whileVisible(async (signal) => {
      // After a break it goes on where it stood.
      const from = current === null ? { attempt, offset: fromBeginning ? 0 : -LOG_TAIL_BYTES } : { attempt: current.attempt, offset: current.offset };
      const follow = async (start: { attempt: number | undefined; offset: number }): Promise<void> => {
        for await (const batch of followLog(client, { tenant, run, ...start }, signal)) take(batch);
      };
      try {
        update({ status: 'live', error: null });
        await follow(from);
        // Having named the attempt to go on with, it ends with that attempt: go on with those that came after.
        for (let next = (from.attempt ?? latest.current.attempt) + 1; attempt === undefined && next <= latest.current.attempt; next += 1)
          await follow({ attempt: next, offset: 0 });
        update({ status: 'complete' });
      } catch (error) {
        if (signal.aborted) return;
        if (isSessionEnd(error)) sessionExpired.set(true);
        update({ status: 'failed', error });
      }
    });
    const onSession = sessionExpired.subscribe(() => {
      if (!sessionExpired.get() && state.status === 'failed') reading.restart();
    });
    return () => {
      onSession();
      reading.end();
      cancelAnimationFrame(frame);
    };
  }, [client, sessionExpired, tenant, run, attempt, fromBeginning, turn]);

  return log;
}

const emptyLog = (): RunLog => ({ lines: createLogLines(), version: 0, status: 'loading', error: null, startsAt: 0, endsAt: 0 });
