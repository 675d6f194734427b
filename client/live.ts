import type { z } from 'zod';
import { ChangeEvent, followChanges as followChangesRoute } from '@sodate/contract/live.ts';
import { followLog as followLogRoute, LogEvent } from '@sodate/contract/run-routes.ts';
import { type Backoff, delayBefore, PATIENT_BACKOFF, pause } from './backoff.ts';
import { ConnectionError, isPassing, UnexpectedAnswer } from './connection-errors.ts';
import type { Client } from './make-client.ts';
import { readEvents } from './read-events.ts';

export interface LogBatch {
  readonly attempt: number;
  /** Where the log continues after these bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export type Change = { readonly kind: 'change'; readonly event: ChangeEvent } | { readonly kind: 'reload' };

export interface FollowLogOptions {
  readonly tenant: string;
  readonly run: string;
  readonly attempt?: number | undefined;
  /** Negative counts from the end. */
  readonly offset?: number | undefined;
  /** For how many failures in a row to try again; about a minute and a half unless told otherwise. */
  readonly backoff?: Backoff | undefined;
}

const CHANGES_BACKOFF: Backoff = { retries: Number.POSITIVE_INFINITY, firstDelayMs: 200, longestDelayMs: 10_000 };

/**
 * The log of a run, live, until the run has ended and everything is sent. Cut connections are opened again where the last
 * batch ended, so that no byte is missing and none comes twice. Aborting the signal throws its reason.
 */
export async function* followLog(client: Client, options: FollowLogOptions, signal: AbortSignal): AsyncGenerator<LogBatch> {
  const backoff = options.backoff ?? PATIENT_BACKOFF;
  let last: { id: string; attempt: number; offset: number } | null = null;
  for (let failures = 0; ;) {
    try {
      const response: Response = await client.bytes(followLogRoute, {
        params: { tenant: options.tenant, run: options.run },
        query: { attempt: options.attempt, offset: options.offset },
        headers: { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last.id }) },
        signal,
      });
      for await (const event of readEvents(response, client.server, signal)) {
        failures = 0;
        if (event.event === 'end') return;
        if (event.event !== 'log') continue;
        const message = parseData(LogEvent, event.data, client.server);
        let bytes = fromBase64(message.bytes);
        // A server that resumed earlier than asked, such as at a batch's beginning, must not make bytes come twice.
        const repeated: number = last?.attempt === message.attempt ? last.offset - (message.offset - bytes.length) : 0;
        if (repeated > 0) bytes = bytes.subarray(repeated);
        last = { id: event.id ?? `${message.attempt}:${message.offset}`, attempt: message.attempt, offset: message.offset };
        if (bytes.length > 0) yield { attempt: message.attempt, offset: message.offset, bytes };
      }
      throw new ConnectionError(`The connection to ${client.server} broke off. Try again.`, true, null);
    } catch (error) {
      if (signal.aborted || !isPassing(error) || failures >= backoff.retries) throw error;
    }
    failures += 1;
    await pause(delayBefore(failures, backoff), signal);
  }
}

/**
 * What changes in a tenant, until the signal is aborted. `reload` means that changes may have been missed: load (again)
 * what you show. It comes whenever a connection has been opened, also the first one, because what was loaded before may
 * have changed until then.
 */
export async function* followChanges(client: Client, tenant: string, signal: AbortSignal, backoff: Backoff = CHANGES_BACKOFF): AsyncGenerator<Change> {
  for (let failures = 0; ;) {
    try {
      const response = await client.bytes(followChangesRoute, { params: { tenant }, headers: { accept: 'text/event-stream' }, signal });
      yield { kind: 'reload' };
      for await (const event of readEvents(response, client.server, signal)) {
        failures = 0;
        if (event.event === 'reload') yield { kind: 'reload' };
        if (event.event === 'change') yield { kind: 'change', event: parseData(ChangeEvent, event.data, client.server) };
      }
      throw new ConnectionError(`The connection to ${client.server} broke off. Try again.`, true, null);
    } catch (error) {
      if (signal.aborted || !isPassing(error) || failures >= backoff.retries) throw error;
    }
    failures += 1;
    await pause(delayBefore(failures, backoff), signal);
  }
}

function parseData<Schema extends z.ZodType>(schema: Schema, data: string, server: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(data));
  } catch (error) {
    throw new UnexpectedAnswer(`${server} sent an event that this client does not know. Are server and client of different versions?`, 200, error);
  }
}

function fromBase64(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < characters.length; at += 1) bytes[at] = characters.charCodeAt(at);
  return bytes;
}
