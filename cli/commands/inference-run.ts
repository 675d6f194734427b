import { randomUUID } from 'node:crypto';
import { startInference } from '@sodate/contract/inference.ts';
import { defineCommand, needed, text, texts } from '../command.ts';
import { endpointOption } from '../only-endpoint.ts';
import { parseReferences } from '../parse-references.ts';
import { commandArgument, submissionOptions, toSubmission } from '../submission.ts';
import { afterSubmit } from '../submit-run.ts';

export const inferenceRun = defineCommand({
  path: 'inference run',
  summary: 'Submit an inference on what trainings made',
  details: `Example: sodate inference run --dataset 1 --repository digits --parent 12 --follow -- node infer.mjs
What it writes to /kqi/output/value.txt becomes its value.`,
  tenant: true,
  args: { command: commandArgument },
  options: {
    dataset: needed('--dataset <dataset>', 'data set: number or id'),
    repository: needed('--repository <path>', 'repository with the code'),
    revision: text('--revision <revision>', 'branch, tag or commit (default: HEAD)'),
    endpoint: endpointOption,
    parent: texts('--parent <training>', 'training whose output is seen under /kqi/parent'),
    parentInference: texts('--parent-inference <inference>', 'inference whose output is seen under /kqi/inference/{number}'),
    ...submissionOptions,
  },
  async run(input, cli) {
    const tenant = await cli.tenant();
    const run = await cli.client().call(startInference, {
      params: { tenant },
      body: {
        ...toSubmission(input, input.repository),
        dataset: input.dataset,
        git: { endpoint: input.endpoint, repository: input.repository, revision: input.revision },
        parents: parseReferences('--parent', input.parent),
        parentInferences: parseReferences('--parent-inference', input.parentInference),
      },
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    return afterSubmit(cli, tenant, run, input.follow);
  },
});
