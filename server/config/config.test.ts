import { ConfigError, readConfig } from '#config/config.ts';
import { describe, expect, it } from 'vitest';

const KEY = { SODATE_S3_ACCESS_KEY_ID: 'key', SODATE_S3_SECRET_ACCESS_KEY: 'secret' };

describe('the settings of S3', () => {
  const read = (environment: Record<string, string>) => readConfig({ SODATE_HOME: '/nowhere', ...environment }).objectStore;

  it('are not needed', () => {
    expect(read({})).toEqual({ kind: 'file-system' });
    expect(read({ SODATE_S3_BUCKET: '', SODATE_S3_REGION: 'eu-central-1' })).toEqual({ kind: 'file-system' });
  });

  it('mean Amazon without an endpoint, and the bucket in the path with one', () => {
    expect(read({ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_REGION: 'eu-central-1' })).toMatchObject({
      kind: 's3',
      cacheBytes: 100e9,
      s3: { endpoint: 'https://s3.eu-central-1.amazonaws.com', bucket: 'files', prefix: '', pathStyle: false, publicEndpoint: null },
    });
    expect(read({ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_ENDPOINT: 'http://127.0.0.1:9000/', SODATE_S3_PREFIX: 'a/b' })).toMatchObject({
      s3: { endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', prefix: 'a/b/', pathStyle: true },
    });
  });

  it('never show the secret', () => {
    expect(JSON.stringify(read({ ...KEY, SODATE_S3_BUCKET: 'files' }))).toContain('"secretAccessKey":"[secret]"');
  });

  it.each([
    [{ SODATE_S3_BUCKET: 'files' }, 'SODATE_S3_ACCESS_KEY_ID: must be set too'],
    [{ SODATE_S3_BUCKET: 'files', SODATE_S3_ACCESS_KEY_ID: 'key' }, 'SODATE_S3_SECRET_ACCESS_KEY: must be set too'],
    [{ ...KEY }, 'SODATE_S3_BUCKET: must be set too, because SODATE_S3_ACCESS_KEY_ID is'],
    [{ ...KEY, SODATE_S3_BUCKET: 'Files!' }, 'must be the name of a bucket'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_ENDPOINT: 'ftp://x' }, 'SODATE_S3_ENDPOINT'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_ENDPOINT: 'http://169.254.169.254' }, 'must not be a link-local address'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_PUBLIC_ENDPOINT: 'http://[fe80::1]' }, 'must not be a link-local address'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_PREFIX: '../other' }, 'must not have . or ..'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_S3_PREFIX: '/a' }, 'must be folders'],
    [{ ...KEY, SODATE_S3_BUCKET: 'files', SODATE_OBJECT_CACHE_GB: '0' }, 'SODATE_OBJECT_CACHE_GB'],
  ])('%j are refused: %s', (environment, text) => {
    expect(() => read(environment)).toThrow(ConfigError);
    expect(() => read(environment)).toThrow(text);
  });
});

describe('trusted proxies', () => {
  const read = (addresses: string) => readConfig({ SODATE_HOME: '/x', SODATE_TRUSTED_PROXIES: addresses }).trustedProxies;

  it('are addresses and networks', () => {
    expect(readConfig({ SODATE_HOME: '/x' }).trustedProxies).toEqual([]);
    expect(read('127.0.0.1, 10.1.2.0/24,fd00::/8')).toEqual(['127.0.0.1', '10.1.2.0/24', 'fd00::/8']);
  });

  it.each(['loopback', '127.0.0.1,', '10.1.2.0/33', '10.1.2.0/', '10.1.2.0/8/8', 'proxy.example.org', '1'])('%j is refused', (addresses) => {
    expect(() => read(addresses)).toThrow('SODATE_TRUSTED_PROXIES');
  });
});

describe('the host of content', () => {
  const read = (environment: Record<string, string>) => readConfig({ SODATE_HOME: '/x', ...environment });

  it('is a name of its own, in small letters', () => {
    const environment = { SODATE_PUBLIC_URL: 'https://ml.example.org', SODATE_CONTENT_HOST: 'Run.ML.example.org' };
    expect(read(environment).contentHost).toBe('run.ml.example.org');
    expect(read({}).contentHost).toBeNull();
  });

  it.each([
    [{ SODATE_CONTENT_HOST: 'run' }, 'SODATE_CONTENT_HOST'],
    [{ SODATE_CONTENT_HOST: '10.0.0.1' }, 'SODATE_CONTENT_HOST'],
    [{ SODATE_CONTENT_HOST: 'run.example.org:8443' }, 'SODATE_CONTENT_HOST'],
    [{ SODATE_CONTENT_HOST: 'https://run.example.org' }, 'SODATE_CONTENT_HOST'],
    [{ SODATE_CONTENT_HOST: '*.example.org' }, 'SODATE_CONTENT_HOST'],
    [{ SODATE_PUBLIC_URL: 'https://ml.example.org', SODATE_CONTENT_HOST: 'example.org' }, 'must not be example.org nor below it'],
    [{ SODATE_PUBLIC_URL: 'https://ml.example.org', SODATE_CONTENT_HOST: 'ml.example.org' }, 'must not be ml.example.org'],
    [{ SODATE_PUBLIC_URL: 'http://x.run.localhost:7363' }, 'must not be run.localhost nor below it'],
  ])('%j is refused: %s', (environment, text) => {
    expect(() => read(environment as Record<string, string>)).toThrow(ConfigError);
    expect(() => read(environment as Record<string, string>)).toThrow(text);
  });
});
