import { writeOpenApi } from '#kit/http/openapi.ts';
import type { Route } from '@sodate/contract/route.ts';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sodate API</title><link rel="stylesheet" href="/v1/docs/assets/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/v1/docs/assets/swagger-ui-bundle.js"></script><script src="/v1/docs/start.js"></script></body>
</html>`;
const DOCS_START = "window.ui = SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#swagger-ui', deepLinking: true });";

/** What is served besides the API: its description, a page to browse it, and the web UI where it has been built. */
export async function servePages(
  app: FastifyInstance,
  parts: { readonly routes: readonly Route[]; readonly version: string; readonly webFolder: string },
): Promise<void> {
  const document = JSON.stringify(writeOpenApi(parts.routes, parts.version));
  app.get('/v1/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
  app.get('/v1/docs', async (_request, reply) => reply.type('text/html').send(DOCS_PAGE));
  app.get('/v1/docs/start.js', async (_request, reply) => reply.type('text/javascript').send(DOCS_START));
  const swagger = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  await app.register(fastifyStatic, {
    root: swagger,
    prefix: '/v1/docs/assets/',
    decorateReply: false,
    index: false,
    allowedPath: (name) => /\.(js|css)$/.test(name),
  });
  if (!existsSync(path.join(parts.webFolder, 'index.html'))) return;
  await app.register(fastifyStatic, {
    root: parts.webFolder,
    wildcard: false,
    index: false,
    cacheControl: false,
    setHeaders: (reply, file) => {
      reply.setHeader('cache-control', file.includes(`${path.sep}assets${path.sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  // The pages' own addresses are the browser's business: each of them is the same document.
  app.get('/*', async (request, reply) => {
    if (request.url.startsWith('/v1/') || request.url.startsWith('/assets/')) return reply.callNotFound();
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  });
}
