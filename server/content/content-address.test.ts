import { makeContentAddresses, newLabel } from '#content/content-address.ts';
import { describe, expect, it } from 'vitest';

const LABEL = 'abcdefghijklmnopqrstuvwxyz';
const here = makeContentAddresses({ publicUrl: null, contentHost: null });
const named = makeContentAddresses({ publicUrl: 'https://ml.example.org', contentHost: 'run.ml.example.org' });

describe('a label', () => {
  it('is one part of a host name, and never the same twice', () => {
    const labels = Array.from({ length: 1_000 }, newLabel);
    expect(labels.every((label) => /^[a-z2-7]{26}$/.test(label))).toBe(true);
    expect(new Set(labels).size).toBe(1_000);
  });
});

describe('names that are ours', () => {
  it.each([
    ['run.localhost', true],
    [`${LABEL}.run.localhost`, true],
    [`${LABEL}.run.localhost:7363`, true],
    [`${LABEL}.RUN.LocalHost:7363`, true],
    [`${LABEL}.run.localhost.`, true],
    [`${LABEL}.run.localhost..:7363`, true],
    [`somebody@${LABEL}.run.localhost`, true],
    [`a.b.c.run.localhost`, true],
    ['localhost', false],
    ['localhost:7363', false],
    ['127.0.0.1:7363', false],
    ['[::1]:7363', false],
    ['xrun.localhost', false],
    ['run.localhost.example.org', false],
    ['run.ml.example.org', false],
    ['', false],
  ])('%s: %s', (host, ours) => {
    expect(here.owns(host)).toBe(ours);
  });

  it('are those of the setting too', () => {
    expect(named.owns(`${LABEL}.run.ml.example.org`)).toBe(true);
    expect(named.owns(`${LABEL}.run.localhost`)).toBe(true);
    expect(named.owns('ml.example.org')).toBe(false);
  });

  it.each([
    [`${LABEL}.run.localhost`, LABEL],
    [`${LABEL.toUpperCase()}.run.localhost:7363`, LABEL],
    [`${LABEL}.run.localhost.`, null],
    [`x.${LABEL}.run.localhost`, null],
    [`${LABEL}x.run.localhost`, null],
    [`${LABEL}.localhost`, null],
    [`somebody@${LABEL}.run.localhost`, null],
    ['run.localhost', null],
  ])('have a label in one form only: %s', (host, label) => {
    expect(here.labelOf(host)).toBe(label);
  });
});

describe('where content is seen', () => {
  it.each([
    ['localhost:7363', 'http://localhost:7363', `http://${LABEL}.run.localhost:7363`],
    ['LOCALHOST:7363', 'http://localhost:7363', `http://${LABEL}.run.localhost:7363`],
    ['127.0.0.1:7363', 'http://127.0.0.1:7363', `http://${LABEL}.run.localhost:7363`],
    ['[::1]:7363', 'http://[::1]:7363', `http://${LABEL}.run.localhost:7363`],
    ['localhost', 'http://localhost', `http://${LABEL}.run.localhost`],
  ])('on this machine, asked by %s', (host, platform, content) => {
    expect(here.originsFor(host, LABEL)).toEqual({ platform, content });
  });

  it.each([['192.168.1.7:7363'], ['[2001:db8::1]:7363']])('nowhere, asked by %s, and says what to do', (host) => {
    expect(() => here.originsFor(host, LABEL)).toThrow(/SODATE_CONTENT_HOST/);
  });

  it('at the public address, with its scheme and port', () => {
    expect(named.originsFor('ml.example.org', LABEL)).toEqual({ platform: 'https://ml.example.org', content: `https://${LABEL}.run.ml.example.org` });
    expect(named.originsFor('10.0.0.5:7363', LABEL)).toEqual({ platform: 'http://10.0.0.5:7363', content: `https://${LABEL}.run.ml.example.org` });
    expect(named.originsFor('localhost:7363', LABEL)).toEqual({ platform: 'http://localhost:7363', content: `http://${LABEL}.run.localhost:7363` });
  });

  it('below another name where there is no public address', () => {
    const lab = makeContentAddresses({ publicUrl: null, contentHost: 'run.lab.internal' });
    expect(lab.originsFor('192.168.1.7:7363', LABEL)).toEqual({ platform: 'http://192.168.1.7:7363', content: `http://${LABEL}.run.lab.internal:7363` });
  });

  it('not below a public address that is without a content host', () => {
    const without = makeContentAddresses({ publicUrl: 'https://ml.example.org', contentHost: null });
    expect(() => without.originsFor('ml.example.org', LABEL)).toThrow(/SODATE_CONTENT_HOST/);
  });
});
