import { InferenceRequest } from '@sodate/contract/inference.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import type { Command, SubmittedKind } from '@sodate/contract/runs.ts';
import { TaskRequest } from '@sodate/contract/tasks.ts';
import { TrainingRequest } from '@sodate/contract/training.ts';
import { z } from 'zod';
import { runReference } from './run-words.ts';

/** A submission while somebody writes it. Texts stay as they were typed until they are sent. */
export const Submission = z.object({
  name: z.string(),
  memo: z.string(),
  tags: z.array(z.string()),
  dataset: z.string(),
  /** As kind and number, such as `training-12`. */
  parents: z.array(z.string()),
  parentInferences: z.array(z.string()),
  endpoint: z.string(),
  repository: z.string(),
  branch: z.string(),
  commit: z.string(),
  image: z.string(),
  command: z.string(),
  /** The command is words, one a line, started without a shell; else a script. */
  words: z.boolean(),
  cpu: z.number(),
  memory: z.number(),
  gpus: z.number(),
  partition: z.string(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })),
  /** Empty for none. */
  timeLimitHours: z.union([z.number(), z.literal('')]),
  priority: z.number(),
});
export type Submission = z.infer<typeof Submission>;

/** The steps in their order, each with what it asks for. */
export const STEPS = {
  what: ['name', 'dataset', 'parents', 'parentInferences'],
  code: ['git', 'image', 'command'],
  resources: ['resources', 'partition'],
  options: ['environment', 'timeLimitSeconds', 'priority', 'tags', 'memo'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Step = keyof typeof STEPS;
export const STEP_NAMES = Object.keys(STEPS) as readonly Step[];
export type Field = (typeof STEPS)[Step][number];

export const EMPTY_SUBMISSION: Submission = {
  name: '',
  memo: '',
  tags: [],
  dataset: '',
  parents: [],
  parentInferences: [],
  endpoint: '',
  repository: '',
  branch: '',
  commit: '',
  image: 'host',
  command: '',
  words: false,
  cpu: 1,
  memory: 1_000_000_000,
  gpus: 0,
  partition: '',
  environment: [],
  timeLimitHours: '',
  priority: 0,
};

/** A run that exists, to be submitted again: everything as it was, the code at the same commit. */
export function submissionOf(run: Run): Submission {
  const { details } = run;
  const isOfModel = details.kind === 'training' || details.kind === 'inference';
  const commit = isOfModel ? details.git.commit : '';
  const revision = isOfModel ? (details.git.revision ?? '') : '';
  return {
    ...EMPTY_SUBMISSION,
    name: run.name,
    memo: run.memo,
    tags: [...run.tags],
    image: run.image,
    ...commandText(run.command),
    cpu: run.resources.cpu,
    memory: run.resources.memory,
    gpus: run.resources.gpus,
    partition: run.partition ?? '',
    environment: Object.entries(run.environment).map(([name, value]) => ({ name, value })),
    timeLimitHours: run.timeLimitSeconds === null ? '' : Math.round((run.timeLimitSeconds / 3600) * 1000) / 1000,
    priority: run.priority,
    ...(isOfModel
      ? {
          dataset: String(details.dataset.number),
          endpoint: details.git.endpoint.name,
          repository: details.git.repository,
          // Submitted by a commit there is no branch to name.
          branch: commit.startsWith(revision) ? '' : revision,
          commit,
          parents: details.parents.map(runReference),
          parentInferences: details.kind === 'inference' ? details.parentInferences.map(runReference) : [],
        }
      : {}),
  };
}

/** An inference on what a training made: the same data, code, image and resources, with a command still to be given. */
export function inferenceOn(training: Run): Submission {
  return { ...submissionOf(training), command: '', words: false, memo: '', tags: [], environment: [], parents: [runReference(training)], parentInferences: [] };
}

function commandText(command: Command): Pick<Submission, 'command' | 'words'> {
  if (typeof command === 'string') return { command, words: false };
  // A word with a line break cannot stand on a line of its own; as a script it says the same.
  if (command.some((word) => word.includes('\n'))) return { command: command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '), words: false };
  return { command: command.join('\n'), words: true };
}

const FORMS = { training: TrainingRequest, inference: InferenceRequest, task: TaskRequest } as const;

export type Body<Kind extends SubmittedKind> = z.input<(typeof FORMS)[Kind]>;

/** As the API takes it. What is not of the kind is left out. */
function bodyOf(kind: SubmittedKind, values: Submission): unknown {
  const { endpoint, repository, branch, commit } = values;
  const revision = commit === '' ? branch.trim() : commit;
  return {
    name: values.name,
    memo: values.memo,
    tags: values.tags,
    command: values.words ? values.command.split('\n').filter((word, index, all) => word !== '' || index < all.length - 1) : values.command,
    environment: Object.fromEntries(values.environment.filter(({ name, value }) => name !== '' || value !== '').map(({ name, value }) => [name, value])),
    image: values.image.trim(),
    resources: { cpu: values.cpu, memory: values.memory, gpus: values.gpus },
    ...(values.partition === '' ? {} : { partition: values.partition }),
    ...(values.timeLimitHours === '' ? {} : { timeLimitSeconds: Math.round(values.timeLimitHours * 3600) }),
    priority: values.priority,
    ...(kind === 'task'
      ? {}
      : {
          dataset: values.dataset,
          git: { ...(endpoint === '' ? {} : { endpoint }), repository: repository.trim(), ...(revision === '' ? {} : { revision }) },
          parents: values.parents,
        }),
    ...(kind === 'inference' ? { parentInferences: values.parentInferences } : {}),
  };
}

export interface CheckedSubmission<Kind extends SubmittedKind> {
  readonly body: Body<Kind> | null;
  /** The fields that are not as they must be. */
  readonly wrong: ReadonlySet<Field>;
}

const FIELDS: readonly Field[] = Object.values(STEPS).flat();

export function checkSubmission<Kind extends SubmittedKind>(kind: Kind, values: Submission): CheckedSubmission<Kind> {
  const body = bodyOf(kind, values);
  const parsed = FORMS[kind].safeParse(body);
  const wrong = new Set((parsed.error?.issues ?? []).flatMap(({ path }) => FIELDS.find((field) => field === path[0]) ?? []));
  const names = values.environment.map(({ name }) => name).filter((name) => name !== '');
  // Of two of a name one would be lost.
  if (new Set(names).size < names.length) wrong.add('environment');
  return { body: parsed.success && wrong.size === 0 ? (body as Body<Kind>) : null, wrong };
}

export const stepOf = (field: Field): Step => STEP_NAMES.find((step) => (STEPS[step] as readonly Field[]).includes(field)) ?? 'what';
