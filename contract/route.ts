import { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/**
 * Who may call a route. `tenant-*` mean that role or a higher one in the tenant named by the path (a system admin has
 * every role in every tenant). `signed-url` means that the address itself carries the right, for one thing and a while.
 */
export type Permission = 'anyone' | 'signed-in' | 'system-admin' | 'tenant-viewer' | 'tenant-member' | 'tenant-admin' | 'signed-url';

/**
 * Who may call a route through the door for jobs, the second listener that containers reach: nobody, attempts by their
 * token and with its rights, or anybody there, where the address itself carries the right or there is nothing to guard.
 */
export type JobDoorRule = 'closed' | 'attempts' | 'open';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of the API as data: the server binds it, the client calls it, OpenAPI is written from it. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  readonly id: string;
  readonly method: Method;
  /** With parameters in braces: `/v1/tenants/{tenant}/data/{data}`. */
  readonly path: string;
  readonly permission: Permission;
  readonly jobDoor: JobDoorRule;
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** `bytes` bodies are streamed to the handler unparsed. */
  readonly takes: 'json' | 'bytes';
  readonly response: Response;
  /** `bytes` and `events` answers are written by the handler itself. */
  readonly answers: 'json' | 'bytes' | 'events';
  readonly status: 200 | 201 | 202 | 204;
  /** Codes that this route can answer with beyond those that every route can (form, rights, not found, platform). */
  readonly errors: readonly ErrorCode[];
  /** Accepts `Idempotency-Key`: the same key and body from the same caller answers as the first time for 24 hours. */
  readonly idempotent: boolean;
}

const Empty = z.strictObject({});
const Nothing = z.undefined();

export function defineRoute<
  Params extends z.ZodType = typeof Empty,
  Query extends z.ZodType = typeof Empty,
  Body extends z.ZodType = typeof Nothing,
  Response extends z.ZodType = typeof Nothing,
>(spec: {
  readonly id: string;
  readonly method: Method;
  readonly path: `/v1/${string}`;
  readonly permission: Permission;
  /** Unless given: `closed` for what anyone may call, `open` for signed addresses, `attempts` for all that asks who is calling. */
  readonly jobDoor?: JobDoorRule;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly takes?: 'json' | 'bytes';
  readonly response?: Response;
  readonly answers?: 'json' | 'bytes' | 'events';
  readonly status?: 200 | 201 | 202 | 204;
  readonly errors?: readonly ErrorCode[];
  readonly idempotent?: boolean;
}): Route<Params, Query, Body, Response> {
  const answers = spec.answers ?? 'json';
  return {
    id: spec.id,
    method: spec.method,
    path: spec.path,
    permission: spec.permission,
    jobDoor: spec.jobDoor ?? defaultJobDoor(spec.permission),
    summary: spec.summary,
    params: (spec.params ?? Empty) as Params,
    query: (spec.query ?? Empty) as Query,
    body: (spec.body ?? Nothing) as Body,
    takes: spec.takes ?? 'json',
    response: (spec.response ?? Nothing) as Response,
    answers,
    status: spec.status ?? (spec.response === undefined && answers === 'json' ? 204 : 200),
    errors: spec.errors ?? [],
    idempotent: spec.idempotent ?? false,
  };
}

const defaultJobDoor = (permission: Permission): JobDoorRule => (permission === 'anyone' ? 'closed' : permission === 'signed-url' ? 'open' : 'attempts');
