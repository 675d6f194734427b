import type { Git } from '#git/git.ts';
import { bindGitRoutes } from '#git/git-routes.ts';
import type { Binder, RouteCall } from '#kit/http/bind-route.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import type { Route } from '@sodate/contract/route.ts';
import { gitRoutes, listGitEndpoints } from '@sodate/contract/git.ts';
import { describe, expect, it } from 'vitest';

const endpoint = {
  id: '01900000-0000-7000-8000-000000000001' as GitEndpointId,
  number: 1,
  name: 'local',
  kind: 'local',
  root: '/srv/git',
  createdAt: new Date(0),
} as const;

describe('git routes', () => {
  const handlers = new Map<string, (call: RouteCall<Route>) => Promise<unknown>>();
  const binder: Binder = {
    bound: new Set(),
    bind: (route, handler) => void handlers.set(route.id, handler as unknown as (call: RouteCall<Route>) => Promise<unknown>),
  };
  bindGitRoutes(binder, { git: { listEndpoints: async () => [endpoint] } as unknown as Git });

  it('are all bound', () => {
    expect([...handlers.keys()].sort()).toEqual(gitRoutes.map(({ id }) => id).sort());
  });

  it.each([
    [true, '/srv/git'],
    [false, null],
  ])('show the root of an endpoint to a system admin only (%s)', async (systemAdmin, root) => {
    const answer = await handlers.get(listGitEndpoints.id)?.({ caller: { systemAdmin } } as RouteCall<Route>);
    expect(listGitEndpoints.response.parse(answer)).toMatchObject({ items: [{ name: 'local', root }] });
  });
});
