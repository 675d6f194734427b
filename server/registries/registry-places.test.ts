import { type AskedRegistry, rootOf, signInAddress } from '#registries/registry-places.ts';
import { describe, expect, it } from 'vitest';

const registry = (more: Partial<AskedRegistry> = {}): AskedRegistry => ({
  name: 'ours',
  address: 'ours.example:5000',
  insecure: false,
  tokenHosts: [],
  ...more,
});

it.each<[Partial<AskedRegistry>, string]>([
  [{}, 'https://ours.example:5000/'],
  [{ insecure: true }, 'http://ours.example:5000/'],
  [{ address: 'ours.example:443' }, 'https://ours.example/'],
  [{ address: 'docker.io' }, 'https://registry-1.docker.io/'],
])('%j is asked at %s', (more, expected) => {
  expect(rootOf(registry(more)).href).toBe(expected);
});

describe('a place to sign in', () => {
  const auth = { tokenHosts: ['auth.example'] };
  it.each<[Partial<AskedRegistry>, string]>([
    [{}, 'https://ours.example:5000/token'],
    [{}, 'https://OURS.example:5000/v2/token?a=b'],
    [auth, 'https://auth.example/token'],
    [auth, 'https://auth.example:443/token'],
    [{ tokenHosts: ['auth.example:443'] }, 'https://auth.example/token'],
    [{ ...auth, insecure: true }, 'http://auth.example/token'],
    [{ ...auth, insecure: true }, 'https://auth.example/token'],
    [{ address: 'docker.io' }, 'https://auth.docker.io/token'],
  ])('%j may be %s', (more, realm) => {
    expect(signInAddress(registry(more), realm).href).toBe(new URL(realm).href);
  });

  it.each<[Partial<AskedRegistry>, string | undefined, string]>([
    [{}, undefined, 'none'],
    [{}, '', 'none'],
    [{}, '/token', 'none'],
    [{}, 'file:///ours.example:5000', 'none'],
    [{}, 'https://user:word@ours.example:5000/', 'none'],
    [{}, 'https://ours.example/token', '--token-host ours.example'],
    [{}, 'https://ours.example:5001/token', '--token-host ours.example:5001'],
    [{}, 'https://ours.example:5000.attacker.example/', 'none'],
    [{}, 'https://ours.example.attacker.example/', '--token-host'],
    [{}, 'https://auth.docker.io/token', '--token-host auth.docker.io'],
    [{}, 'https://169.254.169.254/', '--token-host'],
    [auth, 'https://auth.example:8443/', '--token-host auth.example:8443'],
    [auth, 'http://auth.example/', 'unencrypted'],
    [{}, 'http://ours.example:5000/token', 'unencrypted'],
  ])('%j may not be %s', (more, realm, words) => {
    expect(() => signInAddress(registry(more), realm)).toThrow(expect.objectContaining({ code: 'registry-failed', message: expect.stringContaining(words) }));
  });
});
