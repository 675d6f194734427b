import type { Run } from '@sodate/contract/run-routes.ts';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { formatResources } from '../resource-options.ts';
import { type ChosenColumns, type Column, tableOf } from '../search-options.ts';
import { formatNumber } from './metrics.ts';
import { fields } from './table.ts';
import { formatDuration, formatSpan, formatTime } from './time.ts';

export const runName = (run: { readonly kind: string; readonly number: number }): string => `${run.kind}-${run.number}`;

export function formatState(run: RunSummary): string {
  const phase = run.phase === null ? '' : ` (${run.phase.name}${run.phase.progress === null ? '' : ` ${Math.floor(run.phase.progress * 100)} %`})`;
  const failure = run.failure === null ? '' : `: ${run.failure.class}`;
  return `${run.state}${phase}${failure}`;
}

const columnsOf = (now: number, metrics: readonly string[]): readonly Column<RunSummary>[] => [
  ['run', runName],
  ['name', (run) => `${run.favourite ? '★ ' : ''}${run.name}`],
  ['state', formatState],
  ['exit', (run) => run.exitCode],
  ['value', (run) => run.outputValue],
  ...metrics.map((metric): Column<RunSummary> => [metric, (run) => formatNumber(run.metrics?.find(({ name }) => name === metric)?.last ?? null)]),
  ['duration', (run) => formatSpan(run.startedAt, run.endedAt, now)],
  ['created', (run) => formatTime(run.createdAt)],
  ['by', (run) => run.createdBy.name],
];

interface RunColumns {
  /** Without any, all. */
  readonly columns?: ChosenColumns | undefined;
  /** Names of metrics, a column each. */
  readonly metrics?: readonly string[] | undefined;
}

export const formatRuns = (runs: readonly RunSummary[], now: number, { columns = { names: [], given: false }, metrics = [] }: RunColumns = {}): string =>
  tableOf(runs, columnsOf(now, metrics), {
    ...columns,
    names: columns.names.length === 0 ? [] : [...columns.names, ...metrics.filter((metric) => !columns.names.includes(metric))],
  });

export const formatRun = (run: Run, now: number): string =>
  fields([
    ['Run', runName(run)],
    ['Name', `${run.favourite ? '★ ' : ''}${run.name}`],
    ['State', formatState(run)],
    ['Failure', run.failure === null ? null : `${run.failure.message}\n${run.failure.advice}`],
    ['Exit code', run.exitCode],
    ['Value', run.outputValue],
    ['Memo', run.memo],
    ['Tags', run.tags.join(', ')],
    ...formatDetails(run.details),
    ['Command', typeof run.command === 'string' ? run.command : run.command.map(quoted).join(' ')],
    [
      'Environment',
      Object.entries(run.environment)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
    ],
    ['Image', run.image],
    ['Resources', formatResources(run.resources)],
    ['Partition', run.partition],
    ['Time limit', run.timeLimitSeconds === null ? null : formatDuration(run.timeLimitSeconds * 1000)],
    ['Priority', run.priority === 0 ? null : run.priority],
    ['Node', run.node],
    ['Attempt', run.attempt],
    ['Created', `${formatTime(run.createdAt)} by ${run.createdBy.name}`],
    ['Started', run.startedAt === null ? null : formatTime(run.startedAt)],
    ['Ended', run.endedAt === null ? null : formatTime(run.endedAt)],
    ['Duration', run.startedAt === null ? null : formatSpan(run.startedAt, run.endedAt, now)],
    ['Warnings', run.warnings.join('\n')],
    ['Id', run.id],
  ]);

function formatDetails(details: Run['details']): [string, string][] {
  if (details.kind === 'task') return [];
  if (details.kind === 'tracked') return [['Experiment', `${details.experiment.name} (${details.experiment.number})`]];
  const { dataset, git, parents } = details;
  return [
    ['Data set', `#${dataset.number} ${dataset.name}`],
    ['Code', `${git.endpoint.name}/${git.repository} at ${git.commit.slice(0, 12)}${git.revision === null ? '' : ` (${git.revision})`}`],
    ['Parents', parents.map((one) => `${runName(one)} ${one.name}`).join('\n')],
    ...(details.kind === 'inference'
      ? [['Parent inferences', details.parentInferences.map((one) => `${runName(one)} ${one.name}`).join('\n')] satisfies [string, string]]
      : []),
  ];
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
