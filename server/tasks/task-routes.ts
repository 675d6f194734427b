import type { Binder } from '#kit/http/bind-route.ts';
import type { Runs } from '#runs/runs.ts';
import type { StoredTask } from '#tasks/task-kind.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/tasks.ts';

export function bindTaskRoutes(binder: Binder, parts: { readonly runs: Runs }): void {
  binder.bind(
    routes.startTask,
    ({ tenant, caller, newId, body }) => {
      const request: StoredTask = { command: body.command, environment: body.environment };
      return parts.runs.submit({ tenant, user: caller.user, id: newId as RunId, kind: 'task', submission: body, prepared: { request, ancestry: [] } });
    },
    ({ tenant, newId }) => parts.runs.show(tenant.id, newId),
  );
}
