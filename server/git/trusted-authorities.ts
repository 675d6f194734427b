import type { Log } from '#kit/log.ts';
import { newId } from '#kit/ids.ts';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rootCertificates } from 'node:tls';

/** Where systems keep the certificates of the authorities that they trust. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The file of the authorities that git is to trust over HTTPS: the system's, and those of `further`. Node takes such a
 * file beside its own; git takes one instead of its own, so both are written into one, once for each process.
 * @param parts.further a file of certificates, or null
 * @returns null where git's own choice stands
 */
export function makeTrustedAuthorities(parts: { readonly folder: string; readonly further: string | null; readonly log: Log }): () => Promise<string | null> {
  const { folder, further, log } = parts;
  const written: { promise?: Promise<string | null> } = {};

  async function write(): Promise<string | null> {
    if (further === null) return null;
    const own = await readFile(further, 'utf8').catch((error: unknown) => {
      // As Node does at its start: what needs none of them goes on.
      log.warn({ err: error, file: further }, 'NODE_EXTRA_CA_CERTS cannot be read; git servers are trusted without it');
      return null;
    });
    if (own === null) return null;
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, 'authorities.pem');
    const fresh = `${file}.${newId<string>()}`;
    await writeFile(fresh, `${await readSystem()}\n${own}\n`);
    await rename(fresh, file);
    return file;
  }

  return async () => {
    written.promise ??= write();
    try {
      return await written.promise;
    } catch (error) {
      delete written.promise;
      throw error;
    }
  };
}

async function readSystem(): Promise<string> {
  for (const file of SYSTEM_FILES) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '') return text;
  }
  return rootCertificates.join('\n');
}
