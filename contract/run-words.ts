import { z } from 'zod';
import { ERROR_CATALOGUE, type ErrorCode, type SodateError } from './errors.ts';

/**
 * Every sentence that the server says of a run: the notes of its timeline, why it failed, what was worth a warning when it was
 * submitted. They are stored and sent as a code with its values, so that a page can say them in its reader's language, and
 * with the English text beside it for whoever reads the API. Codes are stable, since rows have them; texts may improve.
 * What a tool said (a registry, a container engine, git) is a value, in the tool's own words.
 */
export const RUN_WORDS = {
  // What happened, for the timeline.
  submitted: 'submitted',
  placed: 'placed',
  'started-on': 'on {node}',
  'stop-before-placed': 'stop asked before it was placed',
  'stop-before-started': 'a stop was asked before it started',
  'stop-asked': 'a stop was asked',
  'time-limit-over': 'the time limit of {seconds} s is over',
  'exit-code': 'exit code {exitCode}',
  'exit-signal': 'signal {signal}',
  'begun-outside': 'begun outside of the platform',
  'client-reported-end': 'its client reported the end',
  'maker-has-ended': 'the job that began it has ended',

  // Why it failed, by what the run itself shows.
  'ended-by-time-limit': 'The run was ended because its time limit was over.',
  'command-exit-code': 'The command ended with exit code {exitCode}.',
  'command-not-found': 'The command was not found (exit code 127).',
  'command-not-executable': 'The command could not be executed (exit code 126): not a program, or no right to run it.',
  'command-signal': 'The command was ended by the signal {signal}.',
  'client-reported-failure': 'Its client reported that it failed.',
  'maker-ended-first': 'The job that began it ended before it reported an end.',
  'platform-disk-full': "The platform's disk is full.",
  'start-failed': 'The platform could not start the job.',

  // What every executor may say of a job.
  'memory-exceeded': 'The job used more memory than its {mebibytes} MiB.',
  'program-not-found': 'The command {program} was not found.',
  'program-not-executable': 'The command {program} could not be executed.',
  'command-empty': 'The command is empty.',
  'command-with-nul': 'The command contains a NUL character.',
  'command-too-long': 'The command or its environment is longer than this machine can pass to a program. Put it into a file.',
  'variable-name-unusable': 'The environment variable {name} has a name no shell can pass on: use letters, digits and _.',
  'variable-unusable': 'The environment variable {name} cannot be passed to a program.',
  'working-directory-unusable': 'The working directory {folder} is no plain absolute path.',
  'memory-too-small': 'A container needs at least {mebibytes} MiB of memory.',
  'variable-with-nul': 'The environment variable {name} contains a NUL character.',
  'mount-not-staged': 'The plan has no item {item} to be mounted at {target}.',
  'mount-folder-missing': 'There is no folder {folder} to be mounted at {target}.',
  'mount-leads-out': 'The folder {folder} to be mounted at {target} points out of its place.',
  'mount-target-unusable': 'The path {target} is no place for a folder in a job.',
  'mounts-clash': 'Two folders are to be at {target}.',

  // What the local process executor says.
  'host-only': 'The image {image} needs a container engine; this executor runs {host} only.',
  'files-not-prepared': "The job's files could not be prepared: {said}",
  'sandbox-not-made': 'The sandbox could not be made (code {exitCode}): {said}',
  'sandbox-silent': 'The sandbox could not be made (code {exitCode}), and said nothing of why.',
  'no-trace': 'This machine has no trace of it.',
  'machine-restarted': 'The machine was started again before it ran.',
  vanished: 'It vanished without an exit code: killed from outside, or with its machine.',

  // What container engines and registries are about.
  'engine-forgot': 'The engine does not know it.',
  'container-removed': 'Its container was removed from outside, or its engine died while it was being started.',
  'end-unknown': 'The machine or its Docker engine went down while the job ran, and nobody knows how it ended.',
  'program-not-in-image': 'The command {program} was not found in the image.',
  'program-unusable-in-image': 'The command {program} cannot be executed in this image: {said}',
  'script-unusable-in-image': 'The script cannot be executed in this image: {said}',
  'image-without-shell': 'The image {image} has no shell, so no script can run in it: give the command as a list of words.',
  'image-unsuited': "The image cannot take this job's command or folders: {said}",
  'gpus-not-given': 'The engine cannot give GPUs to containers; install the NVIDIA Container Toolkit on the machine: {said}',
  'container-not-started': 'The engine could not start the container: {said}',
  'container-not-made': "The job's container could not be made: {said}",
  'image-name-wrong': '{image} is no name of an image.',
  'image-name-refused': "{image} is no name of an image (the registry's words: {said})",
  'image-for-other-machine': "The image {image} is not made for this machine's processor or system (the registry's words: {said})",
  'image-made-for': 'The image {image} is made for {made}; this machine runs {expected}.',
  'image-missing-or-private':
    "The image {image} does not exist, or its registry wants a credential: check the name, and store one for this registry (the registry's words: {said})",
  'image-credential-refused':
    "The registry refuses the stored credential for the image {image}: check user name, password and rights (the registry's words: {said})",
  'image-credential-needed': "The registry of the image {image} wants a credential: store one for this registry (the registry's words: {said})",
  'image-missing': "The image {image} does not exist: check repository and tag (the registry's words: {said})",
  'registry-no-answer':
    "The registry of the image {image} does not answer: check its address, and whether this machine reaches it (the registry's words: {said})",
  'registry-silent': 'The registry of the image {image} has not answered for {seconds} s: check its address, and whether this machine reaches it.',
  'image-not-pulled': "The image {image} could not be pulled (the registry's words: {said})",

  // What is brought to a job.
  'folder-gone': 'The {folder} folder of run {run}, which this one builds on, is not there any more.',
  'parent-gone': 'Run {run}, which this one builds on, is not there any more.',
  'dataset-gone': 'The data set of this run does not exist any more.',
  'dataset-names-clash': 'A data of this data set has a file whose name is also a folder of another of its files. Rename one of them in a new data.',

  // What the fake executor says, which nothing but simulations uses.
  'fake-image': 'The image {image} cannot run here; there is {available}.',
  'fake-refuses': "The fake job's script refuses to start: {failure}.",
  'fake-says': "The fake job's script says {failure}.",
  'fake-vanished': 'The fake job vanished, as its script says.',
  'fake-lost': 'The fake engine lost it.',
  'fake-forgot': 'The fake engine does not know it.',

  // Warnings of a submission.
  'no-node-large-enough': 'No present node is large enough for this request. It waits until there is one.',

  /** A text from before texts had codes: shown as it is. */
  'as-written': '{text}',
} as const satisfies Record<string, string>;

type OwnCode = keyof typeof RUN_WORDS;

/** Why a run failed may also be one of the errors that everybody knows, such as a git server that cannot be reached. */
export type RunWordsCode = OwnCode | ErrorCode;

type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Places<Rest> : never;
type Values<Code extends OwnCode> = { readonly [Name in Places<(typeof RUN_WORDS)[Code]>]: string | number };

/** A sentence as code and values. `code` is of `RunWordsCode`, unless a newer server than its reader wrote it. */
export const RunWords = z.object({ code: z.string(), params: z.record(z.string(), z.union([z.string(), z.number()])) }).brand<'RunWords'>();
export type RunWords = z.infer<typeof RunWords>;

/** The only way to say something of a run: with every value that the sentence has a place for, and none besides. */
export function runWords<Code extends OwnCode>(code: Code, ...values: [keyof Values<Code>] extends [never] ? [] : [Values<Code>]): RunWords {
  return { code, params: values[0] ?? {} } as RunWords;
}

/** An error of the catalogue as what is said of a run. */
export const errorAsRunWords = ({ code, params }: SodateError): RunWords => ({ code, params }) as RunWords;

/** In English. A code that this version does not know is said as it is, since it is all that is known. */
export function runText({ code, params }: RunWords): string {
  const text = isOwn(code) ? RUN_WORDS[code] : isError(code) ? ERROR_CATALOGUE[code].text : code;
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

const isOwn = (code: string): code is OwnCode => Object.hasOwn(RUN_WORDS, code);
const isError = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CATALOGUE, code);
