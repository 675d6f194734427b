import { describe, expect, it } from 'vitest';
import { looksLikePrivateKey, transportOf } from './git-transport.ts';

describe('an address that is being typed', () => {
  it.each([
    ['https://git.example', 'https'],
    [' http://git.example/x', 'http'],
    ['ssh://git@git.example:2222', 'ssh'],
    ['ssh://', null],
    ['git@git.example:team', null],
    ['httpsx://git', null],
    ['', null],
  ] as const)('%j → %s', (url, transport) => {
    expect(transportOf(url)).toBe(transport);
  });
});

describe('a text that may be a private key', () => {
  it.each([
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl', true],
    ['\n-----BEGIN RSA PRIVATE KEY-----', true],
    ['-----BEGIN PRIVATE KEY-----', true],
    ['-----BEGIN PUBLIC KEY-----', false],
    ['ssh-ed25519 AAAA anna@lab', false],
    ['', false],
  ])('%j: %s', (text, is) => {
    expect(looksLikePrivateKey(text)).toBe(is);
  });
});
