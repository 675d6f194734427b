import { Command } from 'commander';
import type { Act, CliCommand } from './command.ts';

const NOUNS: Readonly<Record<string, string>> = {
  tenant: 'Tenants: where a team works',
  member: 'Who works in a tenant',
  user: 'Users of the platform',
  token: 'Tokens for scripts',
  data: 'Data: files with a name and tags',
  dataset: 'Data sets made of data',
  git: 'Where code comes from',
  registry: 'Where images of containers come from',
  image: 'Images of containers',
  node: 'Machines',
  training: 'Trainings: data set and code in, model out',
  inference: 'Inferences on what trainings made',
  task: 'Tasks: bare commands',
  run: 'Runs of every kind',
  lineage: 'What came from what',
  search: 'Searches that are kept under a name',
  events: 'Changes as they happen',
};

/** The commands as a tree of nouns and verbs. */
export function makeProgram(commands: readonly CliCommand[], act: Act): Command {
  const program = new Command('sodate').description('Raise AI models: data in, trainings run, models and their ancestry out.').helpCommand(false);
  program.addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\nEvery command takes --json and --help.');
  for (const command of commands) {
    const [noun = '', verb] = command.path.split(' ');
    if (verb === undefined) {
      program.addCommand(command.build(act));
      continue;
    }
    let parent = program.commands.find((one) => one.name() === noun);
    if (parent === undefined) {
      parent = new Command(noun).description(NOUNS[noun] ?? '').helpCommand(false);
      program.addCommand(parent);
    }
    parent.addCommand(command.build(act));
  }
  return program;
}

export function eachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) eachCommand(child, visit);
}
