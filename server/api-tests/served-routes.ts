import type { FastifyInstance } from 'fastify';

/** `GET /v1/tenants/{tenant}` and so on: everything that the router serves, whoever registered it. HEAD goes with its GET and is left out. */
export function servedRoutes(app: FastifyInstance): readonly string[] {
  const found: string[] = [];
  const parents: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^((?:[│ ] {3})*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (!match) continue;
    const depth = (match[1] ?? '').length / 4;
    const path = (parents[depth - 1] ?? '') + (match[2] ?? '');
    parents.length = depth;
    parents.push(path);
    for (const method of (match[3] ?? '').split(', ')) if (method !== '' && method !== 'HEAD') found.push(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  }
  return found;
}
