import type { RunSummary } from '@sodate/contract/runs.ts';
import type { Cli } from './cli.ts';
import { followToEnd, sayWhyWaiting } from './follow-run.ts';
import { runName } from './output/run.ts';

/** Says what was submitted and, with --follow, stays until its end. With --json and --follow each line is an object, the last one the run. */
export async function afterSubmit(cli: Cli, tenant: string, run: RunSummary, follow: boolean): Promise<number> {
  const params = { tenant, run: runName(run) };
  if (!follow) {
    // Waiting for a turn is what queues are for; these two mean that it will not start by itself.
    await sayWhyWaiting(cli, params, (reason) => reason === 'never-fits' || reason === 'no-node');
    await cli.show(run, () => `${runName(run)} is submitted. \`sodate run log ${runName(run)} --follow\` shows its log.`);
    return 0;
  }
  cli.note(`${runName(run)} is submitted.`);
  return followToEnd(cli, params);
}
