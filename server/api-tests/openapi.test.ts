import { ERRORS_OF_RUNS, ERRORS_OUTSIDE_ROUTES } from '#api-tests/documented-errors.ts';
import { writeOpenApi } from '#kit/http/openapi.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '@sodate/contract/errors.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import { describe, expect, it } from 'vitest';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: object }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, object>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, object>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, object>> };
}

// As it is sent: what JSON cannot hold is not in the document.
const document = JSON.parse(JSON.stringify(writeOpenApi(ALL_ROUTES, '1.2.3'))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const routeOf = (id: string) => {
  const route = ALL_ROUTES.find((each) => each.id === id);
  if (!route) throw new Error(`No route ${id}`);
  return route;
};

/** Every object in the document, with where it stands. */
function* objects(value: unknown, at: readonly string[] = []): Generator<{ readonly at: string; readonly value: Readonly<Record<string, unknown>> }> {
  if (typeof value !== 'object' || value === null) return;
  yield { at: at.join('/'), value: value as Record<string, unknown> };
  for (const [key, inner] of Object.entries(value)) yield* objects(inner, [...at, key]);
}

function resolve(pointer: string): unknown {
  if (!pointer.startsWith('#/')) return undefined;
  const steps = pointer
    .slice(2)
    .split('/')
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  return steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], document);
}

describe('the OpenAPI document', () => {
  it('says what it is', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Sodate', version: '1.2.3' });
  });

  it('describes every route, and nothing else', () => {
    const described = operations.map(({ path, method, operation }) => `${operation.operationId} ${method.toUpperCase()} ${path}`);
    expect(described.toSorted()).toEqual(ALL_ROUTES.map(({ id, method, path }) => `${id} ${method} ${path}`).toSorted());
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(ALL_ROUTES.length);
  });

  it('has no reference that leads nowhere', () => {
    const references = [...objects(document)].filter(({ value }) => typeof value['$ref'] === 'string');
    expect(references.length).toBeGreaterThan(ALL_ROUTES.length);
    expect(references.filter(({ value }) => resolve(String(value['$ref'])) === undefined)).toEqual([]);
  });

  it('names each parameter of a path exactly once, and as required', () => {
    for (const { path, operation } of operations) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted();
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect([operation.operationId, inPath.map(({ name }) => name).toSorted()]).toEqual([operation.operationId, wanted]);
      expect(inPath.every(({ required }) => required)).toBe(true);
      const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const { schema, name } of operation.parameters)
        expect([operation.operationId, name, Object.keys(schema).length > 0]).toEqual([operation.operationId, name, true]);
    }
  });

  it('documents every error that a route can answer with, under its status', () => {
    for (const { operation } of operations) {
      const route = routeOf(operation.operationId);
      const documented = Object.entries(operation.responses).flatMap(([status, { description }]) =>
        [...description.matchAll(/`([a-z-]+)`/g)].map((match) => ({ status: Number(status), code: match[1] as ErrorCode })),
      );
      for (const { status, code } of documented) expect(ERROR_CATALOGUE[code].status).toBe(status);
      const codes = documented.map(({ code }) => code);
      expect([route.id, route.errors.filter((code) => !codes.includes(code))]).toEqual([route.id, []]);
      if (route.permission.startsWith('tenant-'))
        expect(codes).toEqual(expect.arrayContaining(['not-signed-in', 'not-allowed', 'not-found', 'invalid-request']));
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) >= 400) expect(content?.['application/json']).toMatchObject({ schema: { $ref: '#/components/schemas/Error' } });
      }
    }
  });

  it('uses every code of the catalogue, or says why not', () => {
    const text = JSON.stringify(document);
    const missing = Object.keys(ERROR_CATALOGUE).filter((code) => !text.includes(`\`${code}\``));
    expect(missing.filter((code) => !ERRORS_OUTSIDE_ROUTES.includes(code) && !ERRORS_OF_RUNS.includes(code))).toEqual([]);
  });

  it('describes one success for each, and its body', () => {
    for (const { operation } of operations) {
      const route = routeOf(operation.operationId);
      const successes = Object.entries(operation.responses).filter(([status]) => Number(status) < 300);
      expect(successes.map(([status]) => Number(status))).toEqual([route.status]);
      const types = Object.keys(successes[0]?.[1].content ?? {});
      expect([route.id, types.length]).toEqual([route.id, route.status === 204 ? 0 : 1]);
    }
  });

  it('asks for a credential exactly where one is needed', () => {
    for (const { operation } of operations) {
      const open = ['anyone', 'signed-url'].includes(routeOf(operation.operationId).permission);
      expect([operation.operationId, operation.security?.length === 0]).toEqual([operation.operationId, open]);
    }
    expect(Object.keys(document.components.securitySchemes).toSorted()).toEqual(['basic', 'bearer', 'cookie']);
  });

  it('describes a body where there is one, and none for GET and DELETE', () => {
    for (const { method, operation } of operations) {
      if (method === 'get' || method === 'delete') expect([operation.operationId, operation.requestBody]).toEqual([operation.operationId, undefined]);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}) as { schema?: object }[])
        if (schema) expect(Object.keys(schema).length).toBeGreaterThan(0);
    }
  });
});
