import { randomUUID } from 'node:crypto';
import { startTraining } from '@sodate/contract/training.ts';
import { defineCommand, needed, text, texts } from '../command.ts';
import { endpointOption } from '../only-endpoint.ts';
import { parseReferences } from '../parse-references.ts';
import { commandArgument, submissionOptions, toSubmission } from '../submission.ts';
import { afterSubmit } from '../submit-run.ts';

export const trainingRun = defineCommand({
  path: 'training run',
  summary: 'Submit a training: data set and code in, model out',
  details: 'Example: sodate training run --dataset 1 --repository digits --cpu 1 --memory 1G --follow -- node train.mjs',
  tenant: true,
  args: { command: commandArgument },
  options: {
    dataset: needed('--dataset <dataset>', 'data set: number or id'),
    repository: needed('--repository <path>', 'repository with the code'),
    revision: text('--revision <revision>', 'branch, tag or commit (default: HEAD)'),
    endpoint: endpointOption,
    parent: texts('--parent <training>', 'earlier training seen under /kqi/parent'),
    ...submissionOptions,
  },
  async run(input, cli) {
    const tenant = await cli.tenant();
    const run = await cli.client().call(startTraining, {
      params: { tenant },
      body: {
        ...toSubmission(input, input.repository),
        dataset: input.dataset,
        git: { endpoint: input.endpoint, repository: input.repository, revision: input.revision },
        parents: parseReferences('--parent', input.parent),
      },
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    return afterSubmit(cli, tenant, run, input.follow);
  },
});
