import { describe, expect, it } from 'vitest';
import { CommandError } from './command-error.ts';
import { explainStartTrouble } from './start-trouble.ts';

const systemError = (code: string, more: object = {}): Error => Object.assign(new Error(`${code}: as the system says`), { code, ...more });
const explained = (error: Error): string => {
  const answer = explainStartTrouble(error, '/srv/home');
  expect(answer).toBeInstanceOf(CommandError);
  return (answer as CommandError).message;
};

describe('trouble at the start, in words for people', () => {
  it.each([
    ['a connection that is cut', new Error('Connection terminated unexpectedly')],
    ['a database that is ending', systemError('57P01')],
    ['a socket that nobody listens at', systemError('ENOENT', { syscall: 'connect', path: '/srv/home/postgres/socket' })],
  ])('%s: the database broke off', (_, error) => {
    expect(explained(error)).toMatch(/^The database broke off while Sodate was starting: .*Start again/);
  });

  it.each([
    ['a full disk', systemError('ENOSPC', { path: '/srv/home/x' }), /disk of the home \/srv\/home is full/],
    ['a home of somebody else', systemError('EACCES', { path: '/srv/home' }), /cannot be written/],
    ['a file where the home should be', systemError('ENOTDIR', { path: '/srv/home' }), /cannot be made/],
  ])('%s', (_, error, text) => {
    expect(explained(error)).toMatch(text);
  });

  it.each([
    ['a defect', new TypeError('x is not a function')],
    ['a file elsewhere', systemError('EACCES', { path: '/etc/shadow' })],
    ['a file that is missing', systemError('ENOENT', { syscall: 'open', path: '/srv/home/x' })],
  ])('%s stays as it is', (_, error) => {
    expect(explainStartTrouble(error, '/srv/home')).toBe(error);
  });
});
