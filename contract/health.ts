import { z } from 'zod';
import { defineRoute } from './route.ts';

export const Health = z.object({
  status: z.literal('ok'),
  version: z.string(),
  /** Random, made once: tells two installations apart. */
  installation: z.uuid(),
});

export const getHealth = defineRoute({
  id: 'health.get',
  method: 'GET',
  path: '/v1/health',
  permission: 'anyone',
  jobDoor: 'open',
  summary: 'Answers 200 once the server serves',
  response: Health,
  errors: ['database-unavailable'],
});

export const healthRoutes = [getHealth];
