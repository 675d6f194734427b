import { errorAsRunWords, runText, RUN_WORDS, runWords, type RunWords } from '@sodate/contract/run-words.ts';
import { ERROR_CATALOGUE, SodateError } from '@sodate/contract/errors.ts';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const SERVER = path.join(import.meta.dirname, '..');

/** The server's own sources, without tests and what only tests and measurements use. */
const sources = readdirSync(SERVER, { recursive: true, encoding: 'utf8' })
  .filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/(^|\/)(testing|simulation|node_modules)\//.test(file) && file !== 'kit/db/tables.ts',
  )
  .map((file) => ({ file, text: readFileSync(path.join(SERVER, file), 'utf8') }));

const filesWith = (pattern: RegExp): readonly string[] => sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

describe('whatever the server says of a run has a code', () => {
  it('a row of the timeline is never written without its words', () => {
    const writes = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/insert into run_timeline\b[^`]*|insertInto\('run_timeline'\)[^;]*/g)].map(([statement]) => ({ file, statement })),
    );
    expect(writes.map(({ file }) => file).sort()).toEqual(['runs/enqueue-run.ts', 'runs/move-run.ts', 'runs/report-run.ts', 'runs/schedule-runs.ts']);
    for (const { file, statement } of writes) expect(statement, file).toMatch(/\bnote\b.*\bwords\b/s);
  });

  it('failures become columns in one place, which takes words', () => {
    // A type says `readonly failure_message: …`; whoever makes a row begins with the name.
    expect(filesWith(/^(?!.*\breadonly\b).*\bfailure_message\b['"]?(:\s|\s*=)/m)).toEqual(['runs/enqueue-run.ts', 'runs/run-failure.ts']);
    expect(sources.find(({ file }) => file === 'runs/enqueue-run.ts')?.text).toMatch(/failure_message: null,/);
  });

  it('a text without a code is taken from rows of earlier versions only', () => {
    expect(filesWith(/'as-written'/)).toEqual(['runs/run-failure.ts']);
  });

  it('nothing but the contract makes words of a code', () => {
    expect(filesWith(/\bas RunWords\b/)).toEqual([]);
  });

  it('every code of the registry is said somewhere', () => {
    const all = sources.map(({ text }) => text).join('\n');
    expect(Object.keys(RUN_WORDS).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
  });

  it('no code is that of an error too', () => {
    expect(Object.keys(RUN_WORDS).filter((code) => code in ERROR_CATALOGUE)).toEqual([]);
  });
});

describe('the English text', () => {
  it('has its values', () => {
    expect(runText(runWords('started-on', { node: 'machine-1' }))).toBe('on machine-1');
    expect(runText(runWords('exit-code', { exitCode: 0 }))).toBe('exit code 0');
  });

  it('takes what looks like a place in a value as it is', () => {
    expect(runText(runWords('files-not-prepared', { said: 'no {said} and no $& either' }))).toBe(
      "The job's files could not be prepared: no {said} and no $& either",
    );
  });

  it('of an error is what the catalogue says', () => {
    const error = new SodateError('git-server-silent', { endpoint: 'here', seconds: 10 });
    expect(runText(errorAsRunWords(error))).toBe(error.message);
  });

  it('of a code that a newer version wrote is the code', () => {
    expect(runText({ code: 'made-tomorrow', params: {} } as RunWords)).toBe('made-tomorrow');
  });
});
