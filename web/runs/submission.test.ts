import { describe, expect, it } from 'vitest';
import { CANNED_RUNS } from '../testing/canned-runs.ts';
import { checkSubmission, EMPTY_SUBMISSION, inferenceOn, stepOf, type Submission, submissionOf } from './submission.ts';

const training = CANNED_RUNS.find(({ kind }) => kind === 'training');
const inference = CANNED_RUNS.find(({ kind }) => kind === 'inference');
const task = CANNED_RUNS.find(({ kind }) => kind === 'task');
if (training === undefined || inference === undefined || task === undefined) throw new Error('runs of every kind are canned');

const full: Submission = { ...EMPTY_SUBMISSION, name: 'a', dataset: '3', endpoint: 'local', repository: 'digits', command: 'node train.js' };

describe('a submission', () => {
  it('says what is missing, and in which step', () => {
    const { body, wrong } = checkSubmission('training', EMPTY_SUBMISSION);
    expect(body).toBeNull();
    expect([...wrong].sort()).toEqual(['command', 'dataset', 'git', 'name']);
    expect([...wrong].map(stepOf).sort()).toEqual(['code', 'code', 'what', 'what']);
    expect([...checkSubmission('task', EMPTY_SUBMISSION).wrong].sort()).toEqual(['command', 'name']);
  });

  it('is sent as it was written, without what the kind does not have', () => {
    expect(checkSubmission('training', { ...full, parentInferences: ['inference-1'], timeLimitHours: 1.5 }).body).toMatchObject({
      dataset: '3',
      git: { endpoint: 'local', repository: 'digits' },
      timeLimitSeconds: 5400,
    });
    expect(checkSubmission('training', full).body).not.toHaveProperty('parentInferences');
    expect(checkSubmission('training', full).body).not.toHaveProperty('timeLimitSeconds');
    expect(checkSubmission('task', full).body).not.toHaveProperty('dataset');
  });

  it('names a commit before a branch, and neither when neither is chosen', () => {
    const git = (change: Partial<Submission>) => (checkSubmission('training', { ...full, ...change }).body as { git: unknown } | null)?.git;
    expect(git({ branch: 'main', commit: 'abc123' })).toEqual({ endpoint: 'local', repository: 'digits', revision: 'abc123' });
    expect(git({ branch: 'main' })).toEqual({ endpoint: 'local', repository: 'digits', revision: 'main' });
    expect(git({})).toEqual({ endpoint: 'local', repository: 'digits' });
  });

  it('refuses two variables of a name and one without, and leaves out empty lines', () => {
    const environment = (...names: string[]) =>
      checkSubmission('training', { ...full, environment: names.map((name) => ({ name, value: name === '' ? '' : 'x' })) });
    expect([...environment('A', 'A').wrong]).toEqual(['environment']);
    expect([...environment('1A').wrong]).toEqual(['environment']);
    expect(environment('A', '').body).toMatchObject({ environment: { A: 'x' } });
  });

  it.each([
    ['training', training],
    ['inference', inference],
    ['task', task],
  ] as const)('copies a %s so that sending it asks for the same', (kind, run) => {
    const { body } = checkSubmission(kind, submissionOf(run));
    expect(body).toMatchObject({ name: run.name, command: run.command, environment: run.environment, resources: run.resources, image: run.image });
    if (run.details.kind === 'training' || run.details.kind === 'inference')
      expect(body).toMatchObject({ dataset: '3', git: { endpoint: 'local', repository: 'examples/digits', revision: run.details.git.commit } });
  });

  it('keeps words that a shell would read otherwise', () => {
    const words = { ...task, command: ['sh', '-c', "echo 'a b'", ''] };
    expect(checkSubmission('task', { ...submissionOf(words), command: ['sh', '-c', 'x'].join('\n') }).body).toMatchObject({ command: ['sh', '-c', 'x'] });
    const broken = { ...task, command: ['printf', 'two\nlines'] };
    expect(checkSubmission('task', submissionOf(broken)).body).toMatchObject({ command: "'printf' 'two\nlines'" });
  });

  it('begins an inference with what its training used, but for the command', () => {
    expect(inferenceOn(training)).toMatchObject({ dataset: '3', repository: 'examples/digits', command: '', parents: ['training-12'], environment: [] });
  });
});
