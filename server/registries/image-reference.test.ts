import { parseImageReference } from '#registries/image-reference.ts';
import { ImageReference, RegistryAddress } from '@sodate/contract/registries.ts';
import { describe, expect, it } from 'vitest';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const LONG_PATH = Array.from({ length: 25 }, () => 'a'.repeat(9)).join('/');

describe('names of images', () => {
  it.each<[string, string, string, string | null, string | null]>([
    ['python', 'docker.io', 'library/python', null, null],
    ['python:3.12-slim', 'docker.io', 'library/python', '3.12-slim', null],
    ['acme/model', 'docker.io', 'acme/model', null, null],
    ['acme/team/model:1', 'docker.io', 'acme/team/model', '1', null],
    ['docker.io/python', 'docker.io', 'library/python', null, null],
    ['docker.io/library/python', 'docker.io', 'library/python', null, null],
    ['index.docker.io/python:3', 'docker.io', 'library/python', '3', null],
    ['localhost/model', 'localhost', 'model', null, null],
    ['localhost:5000/model', 'localhost:5000', 'model', null, null],
    ['localhost:5000', 'docker.io', 'library/localhost', '5000', null],
    ['localhost', 'docker.io', 'library/localhost', null, null],
    ['host:latest', 'docker.io', 'library/host', 'latest', null],
    ['library/host', 'docker.io', 'library/host', null, null],
    ['registry.example.com/model', 'registry.example.com', 'model', null, null],
    ['registry.example.com:5000/team/model:v1.0_x', 'registry.example.com:5000', 'team/model', 'v1.0_x', null],
    ['Registry.Example.COM/model', 'registry.example.com', 'model', null, null],
    ['127.0.0.1:5000/model', '127.0.0.1:5000', 'model', null, null],
    ['registry:5000/model', 'registry:5000', 'model', null, null],
    [`model@${DIGEST}`, 'docker.io', 'library/model', null, DIGEST],
    [`ghcr.io/acme/model:1@${DIGEST}`, 'ghcr.io', 'acme/model', '1', DIGEST],
    ['a.b/c', 'a.b', 'c', null, null],
    ['acme/model.v2', 'docker.io', 'acme/model.v2', null, null],
    ['acme/a__b/c---d_e', 'docker.io', 'acme/a__b/c---d_e', null, null],
    [`x:${'t'.repeat(128)}`, 'docker.io', 'library/x', 't'.repeat(128), null],
    [LONG_PATH, 'docker.io', LONG_PATH, null, null],
  ])('%s', (text, registry, path, tag, digest) => {
    expect(parseImageReference(text)).toEqual({ registry, path, tag, digest });
  });

  it('have one that is no image but the machine itself', () => {
    expect(ImageReference.safeParse('host').success).toBe(true);
    expect(parseImageReference('host')).toBeNull();
  });

  it.each<[string, string]>([
    ['', ''],
    ['the id that an engine gave it', DIGEST],
    ['the beginning of such an id', 'sha256:0a'],
    ['millions of dots', '.'.repeat(4_000_000)],
    ['upper case', 'Python'],
    ['upper case in the path', 'acme.example/Model'],
    ['upper case where no host can be', 'Acme/model'],
    ['no path', 'acme.example/'],
    ['a slash too many', 'acme//model'],
    ['a slash at the end', 'acme/model/'],
    ['a slash at the beginning', '/acme/model'],
    ['a path that leads up', 'acme.example/../model'],
    ['a scheme', 'https://acme.example/model'],
    ['a user', 'user:password@acme.example/model'],
    ['a space', 'acme/my model'],
    ['a line break', 'acme/model\n'],
    ['NUL', 'acme/model\0'],
    ['other letters', 'acme/モデル'],
    ['an underscore in what must be a host', 'my__host.example/model'],
    ['a hyphen at the end of a host', 'acme-.example/model'],
    ['a port that is none', 'acme.example:0/model'],
    ['a port too high', 'acme.example:65536/model'],
    ['a port of letters', 'acme.example:http/model'],
    ['an empty tag', 'model:'],
    ['a tag that begins with a dot', 'model:.1'],
    ['a tag that is too long', `x:${'t'.repeat(129)}`],
    ['two tags', 'model:1:2'],
    ['a short digest', 'model@sha256:0123'],
    ['a digest of an unknown kind', `model@md5:${'0'.repeat(32)}`],
    ['a digest in upper case', `model@sha256:${'A'.repeat(64)}`],
    ['an option', '--privileged'],
    ['an id of an engine', '0'.repeat(64)],
    ['a path that is too long', `${LONG_PATH}/${'a'.repeat(9)}`],
    ['three separators', 'a___b'],
    ['two dots', 'a..b'],
  ])('are refused with %s', (_what, text) => {
    expect(ImageReference.safeParse(text).success).toBe(false);
    expect(parseImageReference(text)).toBeNull();
  });

  it('are refused in time that does not grow with their malice', () => {
    for (const text of [`${'a-'.repeat(500)}!`, `${'a.'.repeat(500)}/!`, `${'-'.repeat(1000)}`, `a${'-'.repeat(1000)}`, `${'a/'.repeat(500)}!`])
      expect(parseImageReference(text)).toBeNull();
  });
});

describe('addresses of registries', () => {
  it.each<[string, string]>([
    ['registry.example.com', 'registry.example.com'],
    [' Registry.Example.com:5000 ', 'registry.example.com:5000'],
    ['localhost', 'localhost'],
    ['registry:5000', 'registry:5000'],
    ['10.0.0.1:5000', '10.0.0.1:5000'],
    ['index.docker.io', 'docker.io'],
  ])('%s is %s', (given, expected) => {
    expect(RegistryAddress.parse(given)).toBe(expected);
  });

  it.each([
    '',
    'registry',
    'https://registry.example.com',
    'registry.example.com/v2',
    'a.example:0',
    'a.example:99999',
    'user@a.example',
    'a b.c',
    '[::1]:5000',
    '.a',
    'a.',
  ])('%s is none', (given) => {
    expect(RegistryAddress.safeParse(given).success).toBe(false);
  });
});
