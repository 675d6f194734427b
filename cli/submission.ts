import type { RunSubmission } from '@sodate/contract/runs.ts';
import { DEFAULT_RESOURCES } from '@sodate/contract/resources.ts';
import type { z } from 'zod';
import { usageError } from './cli-error.ts';
import { flag, rest, text, texts, value, wholeNumber } from './command.ts';
import { parseDuration } from './output/time.ts';
import { cpuOption, gpusOption, memoryOption } from './resource-options.ts';

export const commandArgument = rest('[command...]', 'what to execute, after `--`; without a shell');

/** What every kind of run takes. */
export const submissionOptions = {
  name: text('--name <name>', 'name of the run'),
  memo: text('--memo <text>', 'memo'),
  tag: texts('--tag <tag>', 'tag'),
  script: text('--script <text>', 'a shell script instead of a command'),
  environment: texts('--env <name=value>', 'environment variable'),
  image: text('--image <image>', 'container image (default: host, the machine itself)'),
  cpu: cpuOption('cores'),
  memory: memoryOption('memory'),
  gpus: gpusOption('GPUs'),
  partition: text('--partition <name>', 'only on nodes of this partition'),
  timeLimit: value('--time-limit <duration>', 'end it after so long: 90s, 30m, 2h', 'a duration such as 30m', parseDuration),
  priority: wholeNumber('--priority <number>', 'higher goes first within the tenant'),
  follow: flag('-f, --follow', 'show the log until the run ends, and exit as it did: 0 succeeded, 1 failed, 2 cancelled'),
};

interface Given {
  readonly command: readonly string[];
  readonly name: string | undefined;
  readonly memo: string | undefined;
  readonly tag: readonly string[];
  readonly script: string | undefined;
  readonly environment: readonly string[];
  readonly image: string | undefined;
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly gpus: number | undefined;
  readonly partition: string | undefined;
  readonly timeLimit: number | undefined;
  readonly priority: number | undefined;
}

const LONGEST_NAME = 255;

/** `fallbackName` is for a run that the caller gave no name. */
export function toSubmission(given: Given, fallbackName: string): z.input<typeof RunSubmission> {
  if (given.script === undefined && given.command.length === 0) throw usageError('A command is needed: after `--`, or as --script <text>.');
  if (given.script !== undefined && given.command.length > 0) throw usageError('--script and a command after `--` exclude each other.');
  return {
    name: given.name ?? fallbackName.slice(0, LONGEST_NAME),
    memo: given.memo,
    tags: [...given.tag],
    command: given.script ?? [...given.command],
    environment: Object.fromEntries(given.environment.map(readVariable)),
    image: given.image,
    resources: {
      cpu: given.cpu ?? DEFAULT_RESOURCES.cpu,
      memory: given.memory ?? DEFAULT_RESOURCES.memory,
      gpus: given.gpus ?? DEFAULT_RESOURCES.gpus,
    },
    partition: given.partition,
    timeLimitSeconds: given.timeLimit,
    priority: given.priority,
  };
}

function readVariable(given: string): [string, string] {
  const at = given.indexOf('=');
  if (at < 1) throw usageError(`--env: "${given}" is not NAME=VALUE.`);
  return [given.slice(0, at), given.slice(at + 1)];
}
