import { fingerprintOf, formatHostKeys, knownHostsFile, parseHostKeys } from '#git/host-keys.ts';
import { checkPrivateKey } from '#git/private-key.ts';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

const ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

describe('host keys', () => {
  it('are read as people have them', () => {
    const key = { type: 'ssh-ed25519', key: ED25519 };
    const text = `# a comment\r\nssh-ed25519 ${ED25519}\n\n[git.example]:2222 ssh-ed25519 ${ED25519} a comment\n|1|abc=|def= ssh-ed25519 ${ED25519}`;
    expect(parseHostKeys(text)).toEqual([key, key, key]);
    expect(formatHostKeys([key])).toBe(`ssh-ed25519 ${ED25519}\n`);
    expect(knownHostsFile('git.example', [key])).toBe(`git.example ssh-ed25519 ${ED25519}\n`);
    expect(fingerprintOf(key), 'GitHub publishes this one').toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  });

  it.each([
    '',
    '# nothing',
    'ssh-ed25519',
    `ssh-rsa ${ED25519}`,
    'ssh-ed25519 AAAA',
    `ssh-ed25519 ${ED25519.slice(0, 10)}!${ED25519.slice(11)}`,
    `@cert-authority * ssh-ed25519 ${ED25519}`,
    'git.example',
    'x'.repeat(1000),
  ])('are refused when they are none: %j', (text) => {
    expect(() => parseHostKeys(text)).toThrow('body.hostKeys');
  });
});

describe('private keys', () => {
  const pem = (options: object): string =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem', ...options } as never) as unknown as string;
  const openssh = (cipher: string): string => {
    const head = Buffer.concat([Buffer.from('openssh-key-v1\0'), Buffer.from([0, 0, 0, cipher.length]), Buffer.from(cipher), Buffer.alloc(64)]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${head.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
  };

  it('are taken without a passphrase', () => {
    expect(checkPrivateKey(`  ${openssh('none').replaceAll('\n', '\r\n')}\n`)).toBe(openssh('none'));
    expect(checkPrivateKey(pem({}))).toContain('BEGIN PRIVATE KEY');
  });

  it('are refused with one', () => {
    expect(() => checkPrivateKey(openssh('aes256-ctr'))).toThrow('passphrase');
    expect(() => checkPrivateKey(pem({ cipher: 'aes-256-cbc', passphrase: 'x' }))).toThrow('passphrase');
  });

  it.each(['', 'secret', `ssh-ed25519 ${ED25519}`, '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END OPENSSH PRIVATE KEY-----'])(
    'are refused when they are none, without being repeated: %j',
    (text) => {
      const refused = (): string => checkPrivateKey(text);
      expect(refused).toThrow('body.privateKey');
      if (text !== '') expect(refused).not.toThrow('secret\n');
    },
  );
});
