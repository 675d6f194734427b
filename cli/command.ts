import { Command, Option } from 'commander';
import { type CliError, usageError } from './cli-error.ts';
import type { Cli, GlobalOptions } from './cli.ts';

/** An option or argument as data: how it is written, what it means, and how its text becomes a value. */
export interface Input<Value> {
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Gets what was given: texts in order; none when it was left out; for a flag one empty text. */
  readonly read: (texts: readonly string[]) => Value;
}

type Inputs = Readonly<Record<string, Input<unknown>>>;
type Values<Given extends Inputs> = { readonly [Name in keyof Given]: Given[Name] extends Input<infer Value> ? Value : never };

/** A command, ready to be put under its noun. */
export interface CliCommand {
  /** `data list`, or one word. */
  readonly path: string;
  readonly summary: string;
  build(act: Act): Command;
}
export type Act = (options: GlobalOptions, run: (cli: Cli) => Promise<number | void>) => Promise<void>;

/**
 * Declares a command. `args` are positional, in the order written; their flags are `<data>`, `[text]` or `<paths...>`.
 * `run` may return an exit code; without one it is 0. Each command also takes --json and --server, and --tenant where it
 * works in one.
 */
export function defineCommand<Args extends Inputs, Options extends Inputs>(spec: {
  readonly path: string;
  readonly summary: string;
  readonly details?: string;
  readonly tenant?: boolean;
  readonly args?: Args;
  readonly options?: Options;
  readonly run: (input: Values<Args> & Values<Options>, cli: Cli) => Promise<number | void>;
}): CliCommand {
  return {
    path: spec.path,
    summary: spec.summary,
    build(act) {
      const command = new Command(spec.path.split(' ').at(-1)).description(spec.summary);
      if (spec.details !== undefined) command.addHelpText('after', `\n${spec.details}`);
      for (const argument of Object.values(spec.args ?? {})) command.argument(argument.flags, argument.description);
      const names = Object.entries(spec.options ?? {}).map(([name, option]) => [name, option, add(command, option)] as const);
      command.option('--json', 'print JSON');
      command.option('--server <url>', 'address of the server');
      if (spec.tenant === true) command.option('--tenant <name>', 'tenant to work in');
      command.action(() => {
        const raw: Readonly<Record<string, unknown>> = command.opts();
        const values: Record<string, unknown> = {};
        Object.entries(spec.args ?? {}).forEach(([name, argument], at) => {
          values[name] = readInput(argument, command.processedArgs[at]);
        });
        for (const [name, option, attribute] of names) values[name] = readInput(option, raw[attribute]);
        const options = { json: raw['json'] === true, server: optionalText(raw['server']), tenant: optionalText(raw['tenant']) };
        return act(options, (cli) => spec.run(values as Values<Args> & Values<Options>, cli));
      });
      return command;
    },
  };
}

function add(command: Command, input: Input<unknown>): string {
  const option = new Option(input.flags, input.description);
  // A flag is there or not, whatever it is called: commander would take `--no-x` for the opposite of an x that is on.
  option.negate = false;
  if (option.required) option.argParser<string[]>((text, before) => [...(Array.isArray(before) ? before : []), text]);
  if (input.choices !== undefined) option.argChoices = [...input.choices];
  command.addOption(option);
  return option.attributeName();
}

function readInput(input: Input<unknown>, raw: unknown): unknown {
  const texts = raw === undefined ? [] : raw === true ? [''] : Array.isArray(raw) ? raw.map(String) : typeof raw === 'string' ? [raw] : [];
  return input.read(texts);
}

const optionalText = (raw: unknown): string | undefined => (typeof raw === 'string' ? raw : undefined);

const last = (texts: readonly string[]): string | undefined => texts.at(-1);
const missing = (flags: string): CliError => usageError(`${flags} is needed.`);

export const flag = (flags: string, description: string): Input<boolean> => ({ flags, description, read: (texts) => texts.length > 0 });

export const text = (flags: string, description: string): Input<string | undefined> => ({ flags, description, read: last });

export const texts = (flags: string, description: string): Input<readonly string[]> => ({
  flags,
  description: `${description} (repeatable)`,
  read: (given) => given,
});

/** An argument or option that must be there. */
export const needed = (flags: string, description: string): Input<string> => ({
  flags,
  description,
  read: (given) => {
    const value = last(given);
    if (value === undefined) throw missing(flags);
    return value;
  },
});

/** All remaining arguments. */
export const rest = (flags: string, description: string): Input<readonly string[]> => ({ flags, description, read: (given) => given });

export const choice = <Choice extends string>(flags: string, description: string, choices: readonly Choice[]): Input<Choice | undefined> => ({
  flags,
  description,
  choices,
  read: (given) => given.map((one) => chosen(flags, one, choices)).at(-1),
});

export const choicesOf = <Choice extends string>(flags: string, description: string, choices: readonly Choice[]): Input<readonly Choice[]> => ({
  flags,
  description: `${description} (repeatable)`,
  choices,
  read: (given) => given.map((one) => chosen(flags, one, choices)),
});

function chosen<Choice extends string>(flags: string, given: string, choices: readonly Choice[]): Choice {
  const found = choices.find((one) => one === given);
  if (found === undefined) throw usageError(`${flags}: "${given}" is none of ${choices.join(', ')}.`);
  return found;
}

/** A value in a form of its own; `parse` answers null for a text that is not one. */
export const value = <Value>(flags: string, description: string, form: string, parse: (given: string) => Value | null): Input<Value | undefined> => ({
  flags,
  description,
  read: (given) => {
    const one = last(given);
    if (one === undefined) return undefined;
    const parsed = parse(one);
    if (parsed === null) throw usageError(`${flags}: "${one}" is not ${form}.`);
    return parsed;
  },
});

export const wholeNumber = (flags: string, description: string): Input<number | undefined> =>
  value(flags, description, 'a whole number', (given) => (/^-?\d{1,15}$/.test(given) ? Number(given) : null));

export const decimal = (flags: string, description: string): Input<number | undefined> =>
  value(flags, description, 'a number', (given) => (/^\d+(\.\d+)?$/.test(given) ? Number(given) : null));
