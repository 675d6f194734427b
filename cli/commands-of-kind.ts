import { getRun, listRuns } from '@sodate/contract/run-routes.ts';
import { type RunKindName, RUN_KINDS, RUN_STATES } from '@sodate/contract/runs.ts';
import { type CliCommand, choicesOf, defineCommand, flag, needed, text, texts } from './command.ts';
import { limitOption, listAll, moreLine } from './list-all.ts';
import { formatRun, formatRuns } from './output/run.ts';
import { runOfKind } from './run-reference.ts';
import { askFor, searchOptions } from './search-options.ts';

/** `training list` and its like, and with null `run list`, which shows every kind. */
export function listCommand(kind: RunKindName | null): CliCommand {
  return defineCommand({
    path: `${kind ?? 'run'} list`,
    summary: `${kind === null ? 'Runs' : 'Runs of this kind'}, newest first`,
    tenant: true,
    options: {
      ...(kind === null ? { kind: choicesOf('--kind <kind>', 'of this kind', RUN_KINDS) } : {}),
      state: choicesOf('--state <state>', 'in this state', RUN_STATES),
      text: text('--text <text>', 'part of name or memo'),
      tag: texts('--tag <tag>', 'with this tag'),
      createdBy: text('--created-by <user>', 'made by this user'),
      favourite: flag('--favourite', 'only those marked as favourite'),
      ...searchOptions,
      metric: texts('--metric <name>', 'show the last value of this metric'),
      limit: limitOption,
    },
    async run(input, cli) {
      const client = cli.client();
      const params = { tenant: await cli.tenant() };
      const { columns, ...asked } = await askFor(cli, params.tenant, 'run', input);
      const filter = {
        ...asked,
        kind: kind === null ? [...(input.kind ?? [])] : [kind],
        state: [...input.state],
        text: input.text,
        tag: [...input.tag],
        createdBy: input.createdBy,
        ...(input.metric.length > 0 ? { metric: [...input.metric] } : {}),
        ...(input.favourite ? { favourite: 'true' as const } : {}),
      };
      const found = await listAll(input.limit, (page) => client.call(listRuns, { params, query: { ...page, ...filter }, signal: cli.signal }));
      await cli.show(found, () => formatRuns(found.items, cli.now(), { columns, metrics: input.metric }) + moreLine(found));
    },
  });
}

/** `training show 12` and its like, and with null `run show training-12`. */
export function showCommand(kind: RunKindName | null): CliCommand {
  return defineCommand({
    path: `${kind ?? 'run'} show`,
    summary: 'One run in full',
    tenant: true,
    args: { run: needed('<run>', kind === null ? 'such as training-12, or an id' : `number, ${kind}-12, or id`) },
    async run(input, cli) {
      const params = { tenant: await cli.tenant(), run: kind === null ? input.run : runOfKind(kind, input.run) };
      const run = await cli.client().call(getRun, { params, signal: cli.signal });
      await cli.show(run, () => formatRun(run, cli.now()));
    },
  });
}
