import { attachmentRoutes } from './attachments.ts';
import { contentRoutes } from './content.ts';
import { dataRoutes } from './data.ts';
import { datasetRoutes } from './datasets.ts';
import { gitRoutes } from './git.ts';
import { gitCredentialRoutes } from './git-credentials.ts';
import { healthRoutes } from './health.ts';
import { inferenceRoutes } from './inference.ts';
import { lineageRoutes } from './lineage.ts';
import { liveRoutes } from './live.ts';
import { metricRoutes } from './metrics.ts';
import { nodeRoutes } from './nodes.ts';
import { outputBundleRoutes } from './output-bundles.ts';
import { registryRoutes } from './registries.ts';
import type { Route } from './route.ts';
import { runRoutes } from './run-routes.ts';
import { searchRoutes } from './search.ts';
import { sessionRoutes } from './session.ts';
import { taskRoutes } from './tasks.ts';
import { tenantRoutes } from './tenants.ts';
import { tokenRoutes } from './tokens.ts';
import { trainingRoutes } from './training.ts';
import { userRoutes } from './users.ts';

/** Every operation of `/v1`. What is not here is not served; what is here must be bound (a test compares). */
export const ALL_ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...sessionRoutes,
  ...userRoutes,
  ...tenantRoutes,
  ...tokenRoutes,
  ...dataRoutes,
  ...datasetRoutes,
  ...gitRoutes,
  ...gitCredentialRoutes,
  ...registryRoutes,
  ...nodeRoutes,
  ...trainingRoutes,
  ...inferenceRoutes,
  ...taskRoutes,
  ...runRoutes,
  ...outputBundleRoutes,
  ...attachmentRoutes,
  ...contentRoutes,
  ...metricRoutes,
  ...lineageRoutes,
  ...searchRoutes,
  ...liveRoutes,
];
