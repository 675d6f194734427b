import type { RunSummary } from '@sodate/contract/runs.ts';
import type { Cli } from './cli.ts';
import { followToEnd } from './follow-run.ts';
import { runName } from './output/run.ts';

/** Says what was submitted and, with --follow, stays until its end. With --json and --follow each line is an object, the last one the run. */
export async function afterSubmit(cli: Cli, tenant: string, run: RunSummary, follow: boolean): Promise<number> {
  if (!follow) {
    await cli.show(run, () => `${runName(run)} is submitted. \`sodate run log ${runName(run)} --follow\` shows its log.`);
    return 0;
  }
  cli.note(`${runName(run)} is submitted.`);
  return followToEnd(cli, { tenant, run: runName(run) });
}
