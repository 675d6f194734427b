import { reserveThingId } from '#kit/http/idempotency.ts';
import type { Access, Caller, TenantContext } from '#kit/http/access.ts';
import { guardJobDoor } from '#kit/http/job-door.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Route } from '@sodate/contract/route.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import type { z } from 'zod';

export const SESSION_COOKIE = 'sodate_session';

/**
 * What browsers know it by. Where all is encrypted the name says that it is this host's alone: else a page below our name,
 * such as one that a job wrote, could set another one for us, and people would work in somebody else's session.
 */
export const sessionCookieName = (publicUrl: string | null): string => (publicUrl?.startsWith('https:') ? `__Host-${SESSION_COOKIE}` : SESSION_COOKIE);

/** What a handler gets: everything is parsed and permitted already. */
export interface RouteCall<R extends Route> {
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
  /** The body of a route that takes bytes. */
  readonly stream: Readable;
  /** There for certain, unless the route's permission is `anyone` or `signed-url`: those never look at credentials. */
  readonly caller: Caller;
  /** There for certain when the permission is a tenant's. */
  readonly tenant: TenantContext;
  /** The id for what this request creates; with an Idempotency-Key the same one on every try. */
  readonly newId: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Nothing for routes without a JSON answer: their contract declares no response. */
type Answer<R extends Route> = z.input<R['response']> extends undefined ? void : z.input<R['response']>;

export interface Binder {
  /**
   * Serves a route. The permission is checked and everything parsed before the handler runs, and what it returns is
   * parsed by the contract, so nothing undeclared gets out.
   * `load` must be given for idempotent routes: what an earlier try under the same id made, or null.
   */
  bind<R extends Route>(route: R, handler: (call: RouteCall<R>) => Promise<Answer<R>>, load?: (call: RouteCall<R>) => Promise<Answer<R> | null>): void;
  /** Ids of the routes bound so far. */
  readonly bound: ReadonlySet<string>;
}

const toFastifyPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

export function makeBinder(app: FastifyInstance, access: Access, db: Database, clock: Clock): Binder {
  const bound = new Set<string>();
  app.addHook('onRequest', guardJobDoor(access));
  return {
    bound,
    bind(route, handler, load) {
      if (bound.has(route.id)) throw new Error(`Route ${route.id} is bound twice`);
      if (route.idempotent !== (load !== undefined)) throw new Error(`Route ${route.id}: idempotent routes, and only they, need load`);
      bound.add(route.id);
      app.route({
        method: route.method,
        url: toFastifyPath(route.path),
        config: { jobDoor: route.jobDoor },
        handler: async (request, reply) => {
          // Whom a route does not ask for, it does not look at: an expired cookie must not keep anybody from signing in.
          const open = route.permission === 'anyone' || route.permission === 'signed-url';
          const caller = open ? null : await access.identify({ authorization: request.headers.authorization, sessionCookie: request.cookies[SESSION_COOKIE] });
          const rawTenant = (request.params as Record<string, string | undefined>)['tenant'];
          const tenant = route.permission === 'signed-url' ? null : await access.authorise(caller, route.permission, rawTenant);
          const call = {
            params: parse(route.params, request.params, 'address'),
            query: parse(route.query, request.query, 'query'),
            body: route.takes === 'json' ? parse(route.body, request.body ?? undefined, 'body') : undefined,
            stream: request.body as Readable,
            caller: caller as Caller,
            tenant: tenant as TenantContext,
            newId: newId<string>(),
            request,
            reply,
          } as RouteCall<typeof route>;
          const answer = load === undefined ? await handler(call) : await once(call, handler, load);
          if (route.answers !== 'json') return reply;
          reply.code(route.status);
          return route.status === 204 ? reply.send() : reply.send(route.response.parse(answer));
        },
      });
    },
  };

  async function once<R extends Route>(
    call: RouteCall<R>,
    handler: (call: RouteCall<R>) => Promise<Answer<R>>,
    load: (call: RouteCall<R>) => Promise<Answer<R> | null>,
  ): Promise<Answer<R>> {
    const key = call.request.headers['idempotency-key'];
    if (key === undefined) return handler(call);
    if (typeof key !== 'string' || key.length > 200)
      throw new SodateError('invalid-request', { details: 'Idempotency-Key must be one header of at most 200 characters' });
    const reserved = await reserveThingId(db, {
      user: call.caller.user,
      key,
      request: `${call.request.method} ${call.request.url} ${JSON.stringify(call.body)}`,
      id: call.newId,
      now: clock.now(),
    });
    const again = { ...call, newId: reserved.id };
    const before = reserved.first ? null : await load(again);
    if (before !== null) return before;
    try {
      return await handler(again);
    } catch (error) {
      // Another try under this key, at the same time, may have been first: ours then failed on the rows of its thing.
      const meanwhile = await load(again).catch(() => null);
      if (meanwhile === null) throw error;
      return meanwhile;
    }
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details = result.error.issues
    .slice(0, 5)
    .map((issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`)
    .join('; ');
  throw new SodateError('invalid-request', { details });
}
