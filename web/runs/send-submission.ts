import type { Client } from '@sodate/client/make-client.ts';
import { startInference } from '@sodate/contract/inference.ts';
import type { SubmittedKind, RunSummary } from '@sodate/contract/runs.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { startTraining } from '@sodate/contract/training.ts';
import type { Body } from './submission.ts';

/** Hands a checked submission to its kind's route. Sent twice with the same key it makes one run. */
export function sendSubmission(client: Client, tenant: string, kind: SubmittedKind, body: Body<SubmittedKind>, idempotencyKey: string): Promise<RunSummary> {
  const params = { tenant };
  switch (kind) {
    case 'training':
      return client.call(startTraining, { params, body: body as Body<'training'>, idempotencyKey });
    case 'inference':
      return client.call(startInference, { params, body: body as Body<'inference'>, idempotencyKey });
    case 'task':
      return client.call(startTask, { params, body, idempotencyKey });
  }
}
