import type { Client } from '@sodate/client/make-client.ts';
import { getRun, listRuns } from '@sodate/contract/run-routes.ts';
import { LABELS } from '../../server/executors/docker/container-spec.ts';
import type { TestEngine } from '../../server/executors/docker/testing/test-engine.ts';

/** The runs of a tenant that go on, with their containers and what the server said last: for whoever reads why a test failed. */
export async function describeUnended(client: Client, tenant: string, engine: Pick<TestEngine, 'docker'> | null, said: string): Promise<string> {
  const { items } = await client.call(listRuns, {
    params: { tenant },
    query: { state: ['queued', 'starting', 'running', 'stopping', 'finishing'], limit: 20 },
  });
  const runs = await Promise.all(items.map(({ id }) => client.call(getRun, { params: { tenant, run: id } })));
  const containers = (await engine?.docker.listContainers({ all: true, filters: { label: [LABELS.attempt] } })) ?? [];
  const seen = await Promise.all(
    containers.map(({ Id }) =>
      engine?.docker
        .getContainer(Id)
        .inspect()
        .then(
          ({ Name, State }) => ({ Name, State }),
          (error: unknown) => String(error),
        ),
    ),
  );
  return [JSON.stringify(runs, null, 2), JSON.stringify(seen, null, 2), said.split('\n').slice(-60).join('\n')].join('\n\n');
}
