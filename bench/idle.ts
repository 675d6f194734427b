import type { Bench } from './bench.ts';
import { atMost, explain, type Figure, rounded } from './figure.ts';
import { proportionalMegabytes } from './processes.ts';
import type { BenchServer } from './bench-server.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 5_000;
const MEMORY_MB = 300;
const SETTLE_MS = 3_000;

/** What it takes to be there: the start on a home that exists, and the memory of server and database at rest. */
export const idleBench: Bench = {
  name: 'idle',
  about: 'start on an existing home, memory at rest',
  async measure(context) {
    const platform = await context.platform();
    await sleep(SETTLE_MS);
    const worked = memoryOf(platform.server());
    const ready = await platform.restart();
    await platform.client().call(listRuns, { params: { tenant: platform.tenant }, query: {} });
    await sleep(SETTLE_MS);
    const fresh = memoryOf(platform.server());
    const figures: Figure[] = [atMost('ready, on an existing home', ready, READY_MS, 'ms')];
    for (const [what, memory] of Object.entries({ 'after a start': fresh, 'after the work of this bench': worked })) {
      figures.push(atMost(`idle memory (PSS) ${what}`, memory.server + memory.database, MEMORY_MB, 'MB'));
      figures.push(explain('  of that server, database', `${rounded(memory.server)}, ${rounded(memory.database)} MB`));
    }
    return figures;
  },
};

function memoryOf(server: BenchServer): { readonly server: number; readonly database: number } {
  const processes = server.processes();
  return { server: proportionalMegabytes(processes.server), database: proportionalMegabytes(processes.database) };
}
