import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ALL_COMMANDS } from './all-commands.ts';
import { completionScript } from './completion-script.ts';
import { makeProgram } from './make-program.ts';

const program = makeProgram(ALL_COMMANDS, () => Promise.resolve());
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

test.skipIf(!has('bash'))('bash completes nouns, verbs, options and choices (needs bash)', () => {
  const complete = (...words: string[]): string[] => {
    const script = `${completionScript('bash', program)}
COMP_WORDS=(sodate "$@"); COMP_CWORD=$#; _sodate; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    return stdout.trim().split('\n');
  };
  expect(complete('da')).toEqual(['data', 'dataset']);
  expect(complete('data', 'd')).toEqual(['delete', 'download']);
  expect(complete('data', 'upload', '--sk')).toEqual(['--skip-existing']);
  expect(complete('data', 'upload', '3', '')).toEqual(['']);
  expect(complete('run', 'list', '--state', 'f')).toEqual(['finishing', 'failed']);
  expect(complete('member', 'add', 'ann', '--role', '')).toEqual(['viewer', 'member', 'admin']);
});

test.skipIf(!has('zsh'))('zsh accepts its script (needs zsh)', () => {
  expect(spawnSync('zsh', ['-n'], { input: completionScript('zsh', program) }).status).toBe(0);
});

test('fish gets every command', () => {
  const script = completionScript('fish', program);
  for (const command of ALL_COMMANDS) expect(script).toContain(`-a ${command.path.split(' ').at(-1) ?? ''} `);
});
