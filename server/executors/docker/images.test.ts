import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEngineUnreachable } from '../executor.ts';
import { asUnreachable, parseEngineHost } from './docker-client.ts';
import { resolveUser } from './image-probe.ts';
import { engineReference, familiarRepository, parseImage } from './image-reference.ts';
import { describePullFailure } from './pull-failure.ts';
import { makePullProgress } from './pull-progress.ts';
import { runText } from '@sodate/contract/run-words.ts';

describe('an image’s name', () => {
  const cases: [string, string, string | null, string | null][] = [
    ['alpine', 'alpine', 'latest', null],
    ['alpine:3', 'alpine', '3', null],
    ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b', 'latest', null],
    ['127.0.0.1:5000/a/b:c', '127.0.0.1:5000/a/b', 'c', null],
    ['a@sha256:12', 'a', null, 'sha256:12'],
    ['a:1@sha256:12', 'a', '1', 'sha256:12'],
  ];
  for (const [image, repository, tag, digest] of cases) it(image, () => expect(parseImage(image)).toEqual({ repository, tag, digest }));

  it('is asked for by digest where it has one', () => {
    expect(engineReference(parseImage('a:1@sha256:12'))).toBe('a@sha256:12');
    expect(engineReference(parseImage('h:5000/a'))).toBe('h:5000/a:latest');
  });

  it('is shortened as the engine does', () => {
    expect(['docker.io/library/alpine', 'docker.io/a/b', 'ghcr.io/a/b', 'index.docker.io/library/x'].map(familiarRepository)).toEqual([
      'alpine',
      'a/b',
      'ghcr.io/a/b',
      'x',
    ]);
  });
});

describe('a failed pull', () => {
  const cases: [string, boolean, string, RegExp][] = [
    ['unauthorized: authentication required', false, 'refused', /wants a credential/],
    ['Get "https://x/v2/": no basic auth credentials', false, 'refused', /wants a credential/],
    ['unauthorized: incorrect username or password', true, 'refused', /refuses the stored credential/],
    ["pull access denied for a/b, repository does not exist or may require 'docker login'", false, 'refused', /does not exist, or its registry wants/],
    ['manifest for a:none not found: manifest unknown: manifest unknown', true, 'refused', /check repository and tag/],
    ['no matching manifest for linux/amd64 in the manifest list entries', false, 'refused', /processor/],
    ['Get "http://127.0.0.1:40309/v2/": dial tcp 127.0.0.1:40309: connect: connection refused', true, 'no-answer', /does not answer/],
    ['Get "https://denied.example/v2/": dial tcp: lookup denied.example on 127.0.0.53:53: no such host', false, 'no-answer', /does not answer/],
    ['Head "https://x/v2/a/manifests/1": received unexpected HTTP status: 403 Forbidden', true, 'refused', /refuses the stored credential/],
    ['error parsing HTTP 403 response body: unexpected end of JSON input: ""', true, 'refused', /refuses the stored credential/],
    ['Get "http://h:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', false, 'no-answer', /does not answer/],
    ['Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host', false, 'no-answer', /does not answer/],
    ['x509: certificate signed by unknown authority', false, 'no-answer', /does not answer/],
    ['write /var/lib/docker/tmp/x: no space left on device', false, 'engine', /no room/],
    ['invalid reference format', false, 'refused', /no name of an image/],
    ['something new', false, 'refused', /could not be pulled.*something new/],
  ];
  for (const [said, hasCredential, kind, text] of cases) {
    it(said, () => {
      const failure = describePullFailure('a:1', said, hasCredential);
      expect(failure.kind).toBe(kind);
      expect(failure.kind === 'engine' ? failure.message : runText(failure.words)).toMatch(text);
    });
  }
});

describe('the progress of a pull', () => {
  const lines = [
    { status: 'Pulling from a', id: '1' },
    { status: 'Downloading', id: 'x', progressDetail: { current: 50, total: 100 } },
    { status: 'Downloading', id: 'y', progressDetail: { current: 100, total: 300 } },
    { status: 'Download complete', id: 'x' },
    { status: 'Extracting', id: 'x', progressDetail: { current: 50, total: 100 } },
    { status: 'Pull complete', id: 'x' },
    { status: 'Download complete', id: 'y' },
    { status: 'Pull complete', id: 'y' },
  ].map((line) => `${JSON.stringify(line)}\r\n`);

  it('never goes back, ends at 1, and does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const progress = makePullProgress();
        const text = lines.join('');
        let before = 0;
        for (let at = 0, i = 0; at < text.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          expect(progress.push(text.slice(at, at + size))).toBeNull();
          at += size;
          const now = progress.fraction() ?? 0;
          expect(now).toBeGreaterThanOrEqual(before);
          before = now;
        }
        expect(progress.fraction()).toBe(1);
      }),
    );
  });

  it('tells an error, and is not put off by what it does not know', () => {
    const progress = makePullProgress();
    expect(progress.push('not json\n{"odd":1}\n[]\n')).toBeNull();
    expect(progress.fraction()).toBeNull();
    expect(progress.push('{"errorDetail":{"message":"bad"},"error":"bad"}\n')).toBe('bad');
  });
});

describe('the user of an image', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nworker:x:1234:2345::/:/bin/sh\nbroken\n';
  const group = 'root:x:0:\nstaff:x:50:\n';
  const cases: [string, number, number][] = [
    ['', 0, 0],
    ['root', 0, 0],
    ['worker', 1234, 2345],
    ['1234', 1234, 2345],
    ['999', 999, 0],
    ['worker:staff', 1234, 50],
    ['worker:77', 1234, 77],
    ['12:34', 12, 34],
    ['nobody-knows', 0, 0],
  ];
  for (const [user, uid, gid] of cases) it(JSON.stringify(user), () => expect(resolveUser(user, passwd, group)).toEqual({ uid, gid }));
});

describe('the engine’s address', () => {
  it('is a socket or loopback', () => {
    expect(parseEngineHost('unix:///var/run/docker.sock')).toEqual({ socketPath: '/var/run/docker.sock' });
    expect(parseEngineHost('tcp://127.0.0.1:2376')).toEqual({ host: '127.0.0.1', port: 2376 });
    expect(parseEngineHost('tcp://localhost')).toEqual({ host: 'localhost', port: 2375 });
    expect(parseEngineHost('tcp://[::1]:1')).toEqual({ host: '::1', port: 1 });
  });
  for (const host of ['tcp://192.0.2.1:2375', 'ssh://somewhere', 'unix://relative', '/var/run/docker.sock', '', 'tcp://127.0.0.1.example:1']) {
    it(`is not ${JSON.stringify(host)}`, () => expect(() => parseEngineHost(host)).toThrow('must be on this machine'));
  }
  it('does not answer when nobody is there, may not be used, or is full; other answers are answers', () => {
    const error = (fields: object): Error => Object.assign(new Error('x'), fields);
    for (const fields of [{ code: 'ENOENT' }, { code: 'ECONNREFUSED' }, { code: 'EACCES' }, { statusCode: 503 }])
      expect(isEngineUnreachable(asUnreachable(error(fields), 'h'))).toBe(true);
    expect(isEngineUnreachable(asUnreachable(error({ statusCode: 500, json: { message: 'mkdir x: no space left on device' } }), 'h'))).toBe(true);
    expect(isEngineUnreachable(asUnreachable(error({ statusCode: 404 }), 'h'))).toBe(false);
    expect(isEngineUnreachable(asUnreachable(error({ statusCode: 500 }), 'h'))).toBe(false);
  });
});
