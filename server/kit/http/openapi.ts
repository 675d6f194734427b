import { ERROR_CATALOGUE, ErrorBody, type ErrorCode } from '@sodate/contract/errors.ts';
import type { Route } from '@sodate/contract/route.ts';
import { z } from 'zod';

/** Codes that a route can answer with because of what it is, besides those it names. */
function commonErrors(route: Route): ErrorCode[] {
  const codes: ErrorCode[] = ['invalid-request', 'internal', 'database-unavailable'];
  if (route.permission === 'signed-url') codes.push('signature-not-valid');
  else if (route.permission !== 'anyone') codes.push('not-signed-in', 'not-allowed');
  if (route.path.includes('{')) codes.push('not-found');
  if (route.idempotent) codes.push('idempotency-mismatch');
  if (route.takes === 'json' && !(route.body instanceof z.ZodUndefined)) codes.push('body-too-large');
  if (route.query instanceof z.ZodObject && 'cursor' in route.query.shape) codes.push('invalid-cursor');
  return codes;
}

const schema = (type: z.ZodType, io: 'input' | 'output'): object => z.toJSONSchema(type, { io, unrepresentable: 'any', target: 'draft-2020-12' });

function parametersOf(route: Route): object[] {
  const of = (type: z.ZodType, where: 'path' | 'query'): object[] => {
    const json = schema(type, 'input') as { properties?: Record<string, object>; required?: string[] };
    return Object.entries(json.properties ?? {}).map(([name, value]) => ({
      name,
      in: where,
      required: where === 'path' || (json.required ?? []).includes(name),
      schema: value,
    }));
  };
  const key = route.idempotent
    ? [
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          schema: { type: 'string', maxLength: 200 },
          description: 'The same key and body answer as the first time',
        },
      ]
    : [];
  return [...of(route.params, 'path'), ...of(route.query, 'query'), ...key];
}

function operationOf(route: Route): object {
  const hasBody = route.takes === 'bytes' || !(route.body instanceof z.ZodUndefined);
  const content =
    route.answers === 'json'
      ? route.status === 204
        ? undefined
        : { 'application/json': { schema: schema(route.response, 'output') } }
      : { [route.answers === 'events' ? 'text/event-stream' : 'application/octet-stream']: {} };
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...commonErrors(route), ...route.errors]) {
    const { status } = ERROR_CATALOGUE[code];
    byStatus.set(status, [...new Set([...(byStatus.get(status) ?? []), code])]);
  }
  const errors = [...byStatus]
    .toSorted(([a], [b]) => a - b)
    .map(([status, codes]) => [
      String(status),
      { description: codes.map((code) => `\`${code}\``).join(', '), content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    ]);
  return {
    operationId: route.id,
    summary: route.summary,
    description: `Needs: ${route.permission}.`,
    tags: [route.id.split('.')[0]],
    ...(route.permission === 'anyone' || route.permission === 'signed-url' ? { security: [] } : {}),
    parameters: parametersOf(route),
    ...(hasBody
      ? {
          requestBody: {
            required: true,
            content: route.takes === 'bytes' ? { 'application/octet-stream': {} } : { 'application/json': { schema: schema(route.body, 'input') } },
          },
        }
      : {}),
    responses: { [String(route.status)]: { description: 'Done', ...(content ? { content } : {}) }, ...Object.fromEntries(errors) },
  };
}

/** The OpenAPI 3.1 document of these routes. */
export function writeOpenApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  return {
    openapi: '3.1.0',
    info: { title: 'Sodate', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ bearer: [] }, { basic: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: { Error: schema(ErrorBody, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: "A token's secret, or a session's" },
        basic: { type: 'http', scheme: 'basic', description: "A token's id and secret" },
        cookie: { type: 'apiKey', in: 'cookie', name: 'sodate_session' },
      },
    },
  };
}
