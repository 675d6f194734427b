import type { Access, Caller, TenantContext } from '#kit/http/access.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { MlflowRoute } from '@sodate/contract/mlflow-routes.ts';
import type { Permission } from '@sodate/contract/route.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** What a handler gets: permitted and parsed. */
export interface MlflowCall<Ask> {
  readonly caller: Caller;
  readonly tenant: TenantContext;
  readonly ask: Ask;
}

export interface MlflowBinder {
  bind<Ask extends z.ZodType, Answer extends z.ZodType>(
    route: MlflowRoute<Ask, Answer>,
    handler: (call: MlflowCall<z.output<Ask>>) => Promise<z.input<Answer>>,
  ): void;
  readonly bound: ReadonlySet<string>;
}

/**
 * Who is asking, and in which tenant: their token's, since MLflow's paths name none.
 * @throws SodateError `not-signed-in` without a token of a tenant; `not-allowed`
 */
export async function enter(
  access: Access,
  request: FastifyRequest,
  permission: Extract<Permission, 'tenant-viewer' | 'tenant-member'>,
): Promise<{ readonly caller: Caller; readonly tenant: TenantContext }> {
  const caller = await access.identify({ authorization: request.headers.authorization, sessionCookie: request.cookies[SESSION_COOKIE] });
  if (caller === null) throw new SodateError('not-signed-in');
  // A session is not bound to a tenant. What it presented is good, but not for this.
  if (caller.onlyTenant === null)
    throw new SodateError('invalid-request', {
      details: 'MLflow needs the token of a tenant, not a sign-in: make one with sodate token create, and set MLFLOW_TRACKING_TOKEN to its secret',
    });
  const tenant = await access.authorise(caller, permission, caller.onlyTenant);
  if (tenant === null) throw new SodateError('not-signed-in');
  return { caller, tenant };
}

/** Whoever may not ask is told before anything that they send is read. */
export function enterFirst(access: Access, permission: Parameters<typeof enter>[2]) {
  const entered = new WeakMap<FastifyRequest, Awaited<ReturnType<typeof enter>>>();
  return {
    onRequest: async (request: FastifyRequest): Promise<void> => void entered.set(request, await enter(access, request, permission)),
    of: (request: FastifyRequest) => entered.get(request) as Awaited<ReturnType<typeof enter>>,
  };
}

export function makeMlflowBinder(app: FastifyInstance, access: Access): MlflowBinder {
  const bound = new Set<string>();
  return {
    bound,
    bind(route, handler) {
      if (bound.has(route.id + route.method)) throw new Error(`Route ${route.id} is bound twice`);
      bound.add(route.id + route.method);
      const door = enterFirst(access, route.permission);
      app.route({
        method: route.method,
        url: route.path,
        config: { jobDoor: 'attempts' },
        onRequest: door.onRequest,
        handler: async (request, reply) => {
          const { caller, tenant } = door.of(request);
          const parsed = route.ask.safeParse((route.method === 'GET' ? request.query : request.body) ?? {});
          if (!parsed.success) {
            const details = parsed.error.issues
              .slice(0, 5)
              .map((issue) => `Invalid value for parameter '${issue.path.map(String).join('.')}': ${issue.message}`);
            throw new SodateError('invalid-request', { details: details.join('; ') });
          }
          const answer = await handler({ caller, tenant, ask: parsed.data });
          return reply.code(200).send(route.answer.parse(answer));
        },
      });
    },
  };
}
