import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** For tests: an authority of their own, whose certificates nobody trusts by themselves. */
export interface TestAuthority {
  /** Its certificate. */
  readonly file: string;
  /** A key and a certificate for what the names say, such as `IP:127.0.0.1` or `DNS:git.example`. */
  issue(name: string, alternativeNames: string): { readonly key: string; readonly cert: string };
}

export const hasOpenssl = (): boolean => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
};

export function makeTestAuthority(folder: string): TestAuthority {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-days', '2', '-subj', '/CN=Authority of the tests');
  return {
    file: path.join(folder, 'authority.pem'),
    issue(name, alternativeNames) {
      openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.request`, '-subj', `/CN=${name}`);
      writeFileSync(path.join(folder, `${name}.extensions`), `subjectAltName=${alternativeNames}\nextendedKeyUsage=serverAuth\n`);
      const signing = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.extensions`];
      openssl('x509', '-req', '-in', `${name}.request`, '-out', `${name}.pem`, ...signing);
      return { key: readFileSync(path.join(folder, `${name}.key`), 'utf8'), cert: readFileSync(path.join(folder, `${name}.pem`), 'utf8') };
    },
  };
}
