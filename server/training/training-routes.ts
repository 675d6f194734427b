import type { Binder } from '#kit/http/bind-route.ts';
import { startTraining, type TrainingParts } from '#training/start-training.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/training.ts';

export function bindTrainingRoutes(binder: Binder, parts: TrainingParts): void {
  binder.bind(
    routes.startTraining,
    ({ tenant, caller, newId, body }) => startTraining(parts, { tenant, user: caller.user, id: newId as RunId, request: body }),
    ({ tenant, newId }) => parts.runs.show(tenant.id, newId),
  );
}
