import type { Answer } from '#api-tests/exchange.ts';
import { writeOpenApi } from '#kit/http/openapi.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';

/** Answered before any route is reached, or by all of them while the server ends. */
export const ERRORS_OUTSIDE_ROUTES: readonly string[] = ['route-not-found', 'jobs-only', 'host-not-allowed', 'origin-not-allowed', 'shutting-down'];

/** What a run can end in, which no request is answered with. */
export const ERRORS_OF_RUNS: readonly string[] = ['git-submodule-refused', 'git-lfs-missing'];

interface DocumentedRoute {
  readonly id: string;
  readonly method: string;
  readonly path: RegExp;
  readonly codes: string;
}

function documentedRoutes(): readonly DocumentedRoute[] {
  const { paths } = writeOpenApi(ALL_ROUTES, '0') as { paths: Record<string, Record<string, { responses: object }>> };
  return ALL_ROUTES.map(({ id, method, path }) => ({
    id,
    method,
    path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/?]+')}(\\?|$)`),
    codes: JSON.stringify(paths[path]?.[method.toLowerCase()]?.responses),
  }));
}

/** Collects errors that a route answered with although its description does not name them. */
export function watchDocumentedErrors(): { readonly undocumented: ReadonlySet<string>; look(method: string, path: string, answer: Answer): void } {
  const routes = documentedRoutes();
  const undocumented = new Set<string>();
  return {
    undocumented,
    look(method, path, answer) {
      const code: unknown = answer.status >= 400 ? answer.body?.code : undefined;
      const route = routes.find((each) => each.method === method && each.path.test(path));
      if (typeof code !== 'string' || !route || ERRORS_OUTSIDE_ROUTES.includes(code)) return;
      if (!route.codes.includes(`\`${code}\``)) undocumented.add(`${route.id}: ${answer.status} ${code}`);
    },
  };
}
