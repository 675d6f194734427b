import { relativeRepositoryName, repositoryNameAt, repositoryUrl, usualApiUrl } from '#git/server-address.ts';
import { describe, expect, it } from 'vitest';

describe('the address of a repository', () => {
  it.each([
    ['github', 'https://github.com', 'acme/model', 'https://github.com/acme/model.git'],
    ['gitlab', 'https://git.example/lab', 'a/b/c.git', 'https://git.example/lab/a/b/c.git'],
    ['gitbucket', 'https://bucket.example:8080', 'root/モデル', 'https://bucket.example:8080/git/root/%E3%83%A2%E3%83%87%E3%83%AB.git'],
    ['gitbucket', 'ssh://git@bucket.example:29418', 'root/model', 'ssh://git@bucket.example:29418/root/model.git'],
    ['plain', 'ssh://host.example/srv/git', 'team/model', 'ssh://git@host.example/srv/git/team/model'],
  ] as const)('at %s %s, %s', (kind, url, repository, expected) => {
    expect(repositoryUrl({ kind, url }, repository)).toBe(expected);
  });

  it.each([
    ['github', 'https://github.com', 'https://api.github.com'],
    ['github', 'ssh://git@github.com', 'https://api.github.com'],
    ['github', 'https://git.example', 'https://git.example/api/v3'],
    ['gitlab', 'http://git.example:8080/lab', 'http://git.example:8080/lab/api/v4'],
    ['gitea', 'ssh://git@git.example:2222', 'https://git.example/api/v1'],
    ['gitbucket', 'https://git.example', 'https://git.example/api/v3'],
    ['plain', 'https://git.example', null],
  ] as const)('of the API of %s at %s', (kind, url, expected) => {
    expect(usualApiUrl(kind, url)).toBe(expected);
  });
});

describe('what an address means at a server', () => {
  it.each([
    ['gitlab', 'https://git.example', 'https://git.example/a/b.git', 'a/b'],
    ['gitlab', 'https://git.example', 'https://git.example/a/b/', 'a/b'],
    ['gitlab', 'https://git.example', 'git@git.example:a/b.git', 'a/b'],
    ['gitlab', 'https://git.example', 'ssh://git@git.example/a/b.git', 'a/b'],
    ['gitlab', 'ssh://git.example', 'https://git.example/a/b.git', 'a/b'],
    ['plain', 'ssh://git@git.example/srv', 'git@git.example:/srv/a.git', 'a.git'],
    ['gitbucket', 'https://git.example', 'https://git.example/git/a/b.git', 'a/b'],
    ['gitlab', 'https://git.example/lab', 'https://git.example/a/b.git', null],
    ['gitlab', 'https://git.example/lab', 'https://git.example/laboratory/b.git', null],
    ['gitlab', 'https://git.example', 'https://git.example:8443/a/b.git', null],
    ['gitlab', 'https://git.example', 'http://git.example/a/b.git', null],
    ['gitlab', 'https://git.example', 'https://git.example.evil.example/a/b', null],
    ['gitlab', 'https://git.example', 'https://git.example/../../etc', 'etc'],
    ['gitlab', 'https://git.example', 'https://git.example/-x/b', null],
    ['gitlab', 'https://git.example', 'https://git.example/a/%2e%2e/b', 'b'],
    ['gitlab', 'https://git.example', 'ssh://git@git.example:2222/a/b', null],
    ['gitlab', 'https://git.example', '/srv/git/a', null],
    ['gitlab', 'https://git.example', 'file:///srv/git/a', null],
    ['gitlab', 'https://git.example', 'ext::sh -c touch% /tmp/x', null],
    ['gitlab', 'https://git.example', 'https://git.example', null],
  ] as const)('%s %s: %s', (kind, url, address, expected) => {
    expect(repositoryNameAt({ kind, url }, address)).toBe(expected);
  });

  it.each([
    ['gitlab', 'team/model', '../data.git', 'team/data'],
    ['gitlab', 'team/model', '../../other/data.git', 'other/data'],
    ['plain', 'team/model.git', './sub', 'team/model.git/sub'],
    ['gitlab', 'team/model', '../../../data', null],
    ['gitlab', 'team/model', '../..', null],
    ['local', 'team/model', '../-x', null],
    ['local', 'team/model', '../.git', null],
  ] as const)('%s, from %s: %s', (kind, from, relative, expected) => {
    expect(relativeRepositoryName(kind, from, relative)).toBe(expected);
  });
});
