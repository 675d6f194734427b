import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configPath, normalServer, readConfig, settingsFrom, writeConfig } from './config-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sodate-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the file', () => {
  test('is for its owner only, also where the folder was open before, and leaves no other file', async () => {
    const environment = { XDG_CONFIG_HOME: folder };
    await mkdir(join(folder, 'sodate'));
    await chmod(join(folder, 'sodate'), 0o755);
    await writeConfig(environment, { server: 'http://a', token: 'one' });
    await writeConfig(environment, { server: 'http://a', token: 'two' });
    expect((await stat(configPath(environment))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'sodate'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'sodate'))).toEqual(['config.json']);
    expect(await readConfig(environment)).toEqual({ server: 'http://a', token: 'two' });
  });

  test('missing is empty, broken says what to do', async () => {
    const environment = { XDG_CONFIG_HOME: folder };
    expect(await readConfig(environment)).toEqual({});
    await mkdir(join(folder, 'sodate'));
    await writeFile(configPath(environment), '{"server": 5}');
    await expect(readConfig(environment)).rejects.toThrow('Remove it and sign in again');
    await writeFile(configPath(environment), '{');
    await expect(readConfig(environment)).rejects.toThrow('Remove it and sign in again');
  });

  test('lies below HOME without XDG_CONFIG_HOME', () => {
    expect(configPath({ HOME: '/home/ann' })).toBe('/home/ann/.config/sodate/config.json');
    expect(configPath({ HOME: '/home/ann', XDG_CONFIG_HOME: '' })).toBe('/home/ann/.config/sodate/config.json');
  });
});

describe('settings', () => {
  const config = { server: 'http://home:1', token: 'kept', tenant: 'lab' };

  test('options come before environment before file', () => {
    expect(settingsFrom({}, {}, config)).toEqual({ server: 'http://home:1', token: 'kept', tenant: 'lab', tokenFromEnvironment: false });
    expect(settingsFrom({ tenant: 'c' }, { SODATE_TENANT: 'b', SODATE_TOKEN: 't' }, config)).toMatchObject({
      token: 't',
      tenant: 'c',
      tokenFromEnvironment: true,
    });
    expect(settingsFrom({}, { SODATE_TENANT: 'b' }, config).tenant).toBe('b');
    expect(settingsFrom({}, {}, {})).toMatchObject({ server: 'http://127.0.0.1:7363', token: null, tenant: null });
  });

  test('the kept token and tenant never go to another server', () => {
    expect(settingsFrom({ server: 'http://other:1' }, {}, config)).toMatchObject({ server: 'http://other:1', token: null, tenant: null });
    expect(settingsFrom({}, { SODATE_SERVER: 'https://home:1' }, config).token).toBeNull();
    expect(settingsFrom({ server: 'HTTP://HOME:1/' }, {}, config).token).toBe('kept');
  });

  test('addresses are brought into one form', () => {
    expect(normalServer('localhost:8080')).toBe('http://localhost:8080');
    expect(normalServer('https://x.example/sodate/')).toBe('https://x.example/sodate');
    expect(() => normalServer('http://')).toThrow('is not an address');
    expect(() => normalServer('http://ann:pw@x')).toThrow('must not hold a name or password');
  });
});
