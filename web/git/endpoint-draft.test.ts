import { describe, expect, it } from 'vitest';
import { type EndpointDraft, hostKeysFor, wrongFields, writeEndpoint } from './endpoint-draft.ts';

const SERVER: EndpointDraft = { name: 'forge', kind: 'gitea', root: '', url: 'https://git.example/', apiUrl: '', lfsHosts: [], hostKeys: null };
const wrong = (change: Partial<EndpointDraft>): readonly string[] => [...wrongFields({ ...SERVER, ...change })];

describe('a git endpoint that is being typed', () => {
  it('is sent as a folder or as a server, with nothing of the other', () => {
    expect(writeEndpoint({ ...SERVER, kind: 'local', root: ' /srv/git ' })).toEqual({ name: 'forge', kind: 'local', root: '/srv/git' });
    expect(writeEndpoint(SERVER)).toEqual({ name: 'forge', kind: 'gitea', url: 'https://git.example/', lfsHosts: [] });
    expect(writeEndpoint({ ...SERVER, apiUrl: ' https://api.example ', lfsHosts: ['lfs.example'] })).toMatchObject({
      apiUrl: 'https://api.example',
      lfsHosts: ['lfs.example'],
    });
  });

  it('has host keys over SSH only, and an API only where such servers have one', () => {
    const hostKeys = 'ssh-ed25519 AAAA';
    expect(writeEndpoint({ ...SERVER, hostKeys })).not.toHaveProperty('hostKeys');
    expect(writeEndpoint({ ...SERVER, url: 'ssh://git@git.example', hostKeys })).toMatchObject({ hostKeys });
    expect(writeEndpoint({ ...SERVER, kind: 'plain', apiUrl: 'https://api.example' })).not.toHaveProperty('apiUrl');
  });

  it('takes keys that a server showed for that address only, others for any', () => {
    const lines = 'ssh-ed25519 AAAA';
    expect(hostKeysFor('ssh://a', { lines, shownBy: 'ssh://a' })).toBe(lines);
    expect(hostKeysFor('ssh://b', { lines, shownBy: 'ssh://a' })).toBeNull();
    expect(hostKeysFor('ssh://b', { lines, shownBy: null })).toBe(lines);
    expect(hostKeysFor('ssh://a', null)).toBeNull();
  });

  it.each([
    [{}, []],
    [{ name: ' ' }, ['name']],
    [{ url: 'git.example' }, ['url']],
    [{ url: 'https://anna:word@git.example' }, ['url']],
    [{ apiUrl: 'ftp://x' }, ['apiUrl']],
    [{ lfsHosts: ['https://lfs.example'] }, ['lfsHosts']],
    [{ kind: 'local' as const }, ['root']],
    [{ kind: 'plain' as const, apiUrl: 'not sent' }, []],
  ])('%j: refused %j', (change, fields) => {
    expect(wrong(change)).toEqual(fields);
  });
});
