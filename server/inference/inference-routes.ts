import { type InferenceParts, startInference } from '#inference/start-inference.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/inference.ts';

export function bindInferenceRoutes(binder: Binder, parts: InferenceParts): void {
  binder.bind(
    routes.startInference,
    ({ tenant, caller, newId, body }) => startInference(parts, { tenant, user: caller.user, id: newId as RunId, request: body }),
    ({ tenant, newId }) => parts.runs.show(tenant.id, newId),
  );
}
