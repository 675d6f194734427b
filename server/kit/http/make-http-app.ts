import { answerError, answerErrors } from '#kit/http/http-errors.ts';
import { makeServerByHost, type OtherHosts } from '#kit/http/serve-by-host.ts';
import { SECURITY_HEADERS, securityHeaders } from '#kit/http/security-headers.ts';
import { guardOrigins, type PublicAddress } from '#kit/http/guard-origins.ts';
import cookie from '@fastify/cookie';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';

/** JSON bodies; files go by the part protocol. */
export const JSON_BODY_BYTES_LIMIT = 8 * 1024 * 1024;

/** A Fastify app with our errors, headers and guards, and no route yet. Answers `shutting-down` after `close` began. */
export async function makeHttpApp(options: {
  readonly logger: FastifyBaseLogger;
  readonly address: () => PublicAddress;
  /** What else is behind the port, by host name, and how it is named where pages say what they frame. */
  readonly others?: OtherHosts & { readonly framed: readonly string[] };
  /** Addresses and networks whose word is taken for where a request comes from. */
  readonly trustedProxies?: readonly string[];
}): Promise<FastifyInstance> {
  const { others, trustedProxies = [] } = options;
  const headers = securityHeaders(others?.framed ?? []);
  const app = Fastify({
    ...(others ? { serverFactory: (handler: RequestListener, bounds: FastifyServerOptions) => makeServerByHost(handler, others, bounds) } : {}),
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: JSON_BODY_BYTES_LIMIT,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    routerOptions: { maxParamLength: 1100 },
    forceCloseConnections: true,
    return503OnClosing: true,
    // Addresses that cannot be decoded are refused before there is a route, and so before any hook.
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply.headers(SECURITY_HEADERS)),
  });
  answerErrors(app);
  await app.register(cookie);
  // Only application/json is parsed; every other body reaches its handler as a stream, or fails to be the JSON it should be.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', guardOrigins(options.address));
  app.addHook('onSend', async (_request, reply, payload) => {
    for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value);
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    return payload;
  });
  return app;
}
