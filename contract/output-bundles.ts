import { z } from 'zod';
import { FILES_PER_REQUEST_LIMIT } from './data.ts';
import { defineRoute } from './route.ts';
import { OutputPath } from './run-routes.ts';
import { RunParams } from './runs.ts';

/**
 * The answer of `readOutputs` is one bundle after the other, each of the form of `ReadFilesHead` with this head. A job may be
 * writing to its files, so size and digest are those of the bytes that follow, which need not be what a list said before.
 */
export const ReadOutputsHead = z.object({ files: z.array(z.object({ path: OutputPath, size: z.number().int().min(0), digest: z.string() })) });

/** In a file of its own, since the pages have no use for it and would load it. */
export const readOutputs = defineRoute({
  id: 'runs.readOutputs',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs/read',
  permission: 'tenant-viewer',
  summary:
    'The bytes of many small output files by one request, as they are when their turn comes; what is no file (any more), is larger than 1 MiB, or comes after 32 MiB, is left out',
  params: RunParams,
  body: z.strictObject({ paths: z.array(OutputPath).min(1).max(FILES_PER_REQUEST_LIMIT) }),
  answers: 'bytes',
});

export const outputBundleRoutes = [readOutputs];
