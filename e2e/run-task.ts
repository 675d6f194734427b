import type { Client } from '@sodate/client/make-client.ts';
import { getRun, type Run } from '@sodate/contract/run-routes.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { createTenant } from '@sodate/contract/tenants.ts';
import { until } from './until.ts';

export const TENANT = 'team';
const ENDED: readonly RunState[] = ['succeeded', 'failed', 'cancelled'];

export async function makeTenant(client: Client): Promise<void> {
  await client.call(createTenant, { body: { name: TENANT } });
}

const MEMORY_BYTES = 100_000_000;

export async function startScript(client: Client, script: string, memory = MEMORY_BYTES): Promise<string> {
  const body = { name: 'a task', command: script, resources: { cpu: 0.1, memory, gpus: 0 } };
  return (await client.call(startTask, { params: { tenant: TENANT }, body })).id;
}

export const readRun = (client: Client, run: string): Promise<Run> => client.call(getRun, { params: { tenant: TENANT, run } });

export async function untilState(client: Client, id: string, ...wanted: readonly RunState[]): Promise<Run> {
  return until(`run ${id} is ${wanted.join(' or ')}`, async () => {
    const run = await readRun(client, id);
    if (wanted.includes(run.state)) return run;
    if (ENDED.includes(run.state)) throw new Error(`The run ended as ${run.state}: ${JSON.stringify(run.failure)}`);
    return null;
  });
}

export async function runTask(client: Client, script: string, memory = MEMORY_BYTES): Promise<Run> {
  return untilState(client, await startScript(client, script, memory), ...ENDED);
}
