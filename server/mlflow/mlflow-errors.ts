import { ERROR_CATALOGUE, type ErrorCode, type SodateError } from '@sodate/contract/errors.ts';
import type { MlflowErrorBody } from '@sodate/contract/mlflow.ts';
import { toSodateError } from '#kit/http/http-errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** MLflow's words for our errors. What stands here decides whether its client tries again, so 409 is not used for what stays wrong. */
const MLFLOW_CODES: Partial<Record<ErrorCode, { readonly code: string; readonly status?: number }>> = {
  'not-found': { code: 'RESOURCE_DOES_NOT_EXIST' },
  'route-not-found': { code: 'ENDPOINT_NOT_FOUND' },
  'name-taken': { code: 'RESOURCE_ALREADY_EXISTS', status: 400 },
  'wrong-state': { code: 'INVALID_PARAMETER_VALUE', status: 400 },
  'in-use': { code: 'INVALID_PARAMETER_VALUE', status: 400 },
  'not-signed-in': { code: 'UNAUTHENTICATED' },
  'jobs-only': { code: 'UNAUTHENTICATED' },
  'not-allowed': { code: 'PERMISSION_DENIED' },
  'origin-not-allowed': { code: 'PERMISSION_DENIED' },
  'host-not-allowed': { code: 'PERMISSION_DENIED' },
};

function codeOf({ code }: SodateError): { readonly code: string; readonly status: number } {
  const { status, fault } = ERROR_CATALOGUE[code];
  const known = MLFLOW_CODES[code];
  if (known !== undefined) return { code: known.code, status: known.status ?? status };
  if (fault === 'platform') return { code: status === 503 ? 'TEMPORARILY_UNAVAILABLE' : 'INTERNAL_ERROR', status };
  return { code: 'INVALID_PARAMETER_VALUE', status };
}

/** Answers whatever was thrown in the shape that MLflow's clients read. Unknown errors say nothing of themselves. */
export function answerMlflowError(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const known = toSodateError(error, request.id);
  const { code, status } = codeOf(known);
  if (status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
  // The rest of a body that nobody wants any more: as long as it is not read, the next request on this connection waits.
  if (!request.raw.complete) request.raw.resume();
  if (reply.raw.headersSent) return reply.raw.destroy();
  const body: MlflowErrorBody = { error_code: code, message: known.message };
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store').send(JSON.stringify(body));
}
