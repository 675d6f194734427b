import { isDatabaseUnavailable, isDiskFull } from '#kit/db/database-errors.ts';
import { ERROR_CATALOGUE, isSodateError, SodateError, type ErrorBody } from '@sodate/contract/errors.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Turns whatever was thrown into a catalogue error. Unknown errors become `internal`; their text stays in the log. */
export function toSodateError(error: unknown, requestId: string): SodateError {
  if (isSodateError(error)) return error;
  if (isCutOff(error)) return new SodateError('invalid-request', { details: 'the connection broke off before all of it had arrived' }, { cause: error });
  if (isDatabaseUnavailable(error)) return new SodateError('database-unavailable', {}, { cause: error });
  if (isDiskFull(error)) return new SodateError('disk-full', { place: 'the platform' }, { cause: error });
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return new SodateError('body-too-large', { limit: '8 MiB of JSON' });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new SodateError('invalid-request', { details: error instanceof Error ? error.message : 'not readable' });
  }
  return new SodateError('internal', { requestId }, { cause: error });
}

/** What Node says of a request whose sender has gone. Its code alone could be the database's. */
const isCutOff = (error: unknown): boolean => error instanceof Error && error.message === 'aborted' && 'code' in error && error.code === 'ECONNRESET';

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const known = toSodateError(error, request.id);
  const status = ERROR_CATALOGUE[known.code].status;
  if (status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
  // The rest of a body that nobody wants any more: as long as it is not read, the next request on this connection waits.
  if (!request.raw.complete) request.raw.resume();
  // The answer's head may be out already when a stream breaks: cutting the connection tells the reader.
  if (reply.raw.headersSent) return reply.raw.destroy();
  const body: ErrorBody = {
    code: known.code,
    message: known.message,
    params: { ...known.params },
    requestId: request.id,
    ...(known.things.length === 0 ? {} : { things: [...known.things] }),
  };
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="sodate"');
  return reply.code(status).header('cache-control', 'no-store').send(body);
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new SodateError('route-not-found', { method: request.method, path: request.url.split('?')[0] ?? '' });
  });
}
