import type { Client } from '@sodate/client/make-client.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import { LABELS } from '../../server/executors/docker/container-spec.ts';
import type { TestEngine } from '../../server/executors/docker/testing/test-engine.ts';

const SAID_LINES = 60;

/** The runs of a tenant that go on, their containers, and what the server said last: for whoever reads why a test failed. */
export async function describeUnended(client: Client, tenant: string, engine: Pick<TestEngine, 'docker'> | null, said: string): Promise<string> {
  const { items } = await client.call(listRuns, {
    params: { tenant },
    query: { state: ['queued', 'starting', 'running', 'stopping', 'finishing'], limit: 200 },
  });
  const runs = items.map(({ id, name, state, phase, startedAt }) => JSON.stringify({ id, name, state, phase: phase?.name, startedAt }));
  const containers = ((await engine?.docker.listContainers({ all: true, filters: { label: [LABELS.attempt] } })) ?? []).map(({ Labels, Status, State }) =>
    JSON.stringify({ run: Labels[LABELS.run], attempt: Labels[LABELS.attempt], State, Status }),
  );
  return ['runs', ...runs, 'containers', ...containers, 'server', ...said.split('\n').slice(-SAID_LINES)].join('\n');
}
