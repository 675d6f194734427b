import type { GitCredential } from '#git/git-credential-store.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import { LfsAuthentication, type LfsDoor, parseJson } from '#git/lfs-batch.ts';
import { basicAuthorization } from '#git/reach-server.ts';
import { gitFailure, type Reach, redact } from '#git/run-git.ts';
import type { RunProgram } from '#git/run-program.ts';
import { hostOf, repositoryUrl, transportOf } from '#git/server-address.ts';
import { SodateError } from '@sodate/contract/errors.ts';

const SAY_LIMIT_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 1024 * 1024;

/** Where a repository's content of Git LFS is asked for: beside the repository over HTTP; over SSH the server tells. */
export async function findLfsDoor(
  parts: { readonly programs: RunProgram; readonly searchPath: string; readonly folder: string },
  ask: { readonly server: StoredServer; readonly repository: string; readonly credential: GitCredential | null; readonly reach: Reach },
): Promise<LfsDoor> {
  const { server, repository, credential, reach } = ask;
  const url = repositoryUrl(server, repository);
  if (transportOf(server) !== 'ssh') {
    const authorization = credential === null ? null : basicAuthorization(credential);
    return { url: `${url.replace(/\.git$/, '')}.git/info/lfs`, headers: authorization === null ? {} : { authorization: authorization.reveal() } };
  }
  const { pathname, username } = new URL(url);
  // The server's shell reads the command. Names of repositories hold no quotes; a base path is a system admin's.
  const command = `git-lfs-authenticate '${decodeURIComponent(pathname).replaceAll("'", '')}' download`;
  const answer = await parts.programs.run({
    program: 'ssh',
    args: ['-F', `${reach.environment['SODATE_SSH']}/config`, '-p', hostOf(server).port, '-l', username, '--', 'git-server', command],
    environment: { PATH: parts.searchPath, HOME: parts.folder, LC_ALL: 'C', ...reach.environment },
    cwd: parts.folder,
    limitMs: SAY_LIMIT_MS,
    stdoutLimitBytes: OUTPUT_LIMIT_BYTES,
  });
  if (answer.cut === 'closed') throw new SodateError('shutting-down');
  if (answer.cut !== null) throw reach.silent();
  // 255 is ssh's own failure; anything else is the server's, which then keeps nothing by Git LFS.
  if (answer.code === 255) throw gitFailure(repository, redact(answer.stderr, reach.secrets), reach);
  const said = LfsAuthentication.safeParse(answer.code === 0 ? parseJson(Buffer.from(answer.stdout)) : undefined);
  if (!said.success) return { url: '', headers: {} };
  return { url: said.data.href.replace(/\/$/, ''), headers: said.data.header ?? {} };
}
