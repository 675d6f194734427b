import { type HostKey, parseHostKeys } from '#git/host-keys.ts';
import { addressesOf } from '#git/reach-server.ts';
import type { RunProgram } from '#git/run-program.ts';
import { hostOf } from '#git/server-address.ts';
import { type NamedServer, unreachable } from '#git/server-failure.ts';
import { SodateError } from '@sodate/contract/errors.ts';

const ANSWER_LIMIT_SECONDS = 10;
const OUTPUT_LIMIT_BYTES = 1024 * 1024;

/**
 * The keys that an SSH server shows now. Whoever stands between shows theirs: a system admin compares the fingerprints.
 * @throws SodateError `git-server-unreachable`
 */
export async function scanHostKeys(
  programs: RunProgram,
  server: NamedServer,
  parts: { readonly folder: string; readonly searchPath: string },
): Promise<readonly HostKey[]> {
  const [address] = await addressesOf(server);
  const { port } = hostOf(server);
  const answer = await programs
    .run({
      program: 'ssh-keyscan',
      args: ['-T', String(ANSWER_LIMIT_SECONDS), '-p', port, '--', address],
      environment: { PATH: parts.searchPath, HOME: parts.folder, LC_ALL: 'C' },
      cwd: parts.folder,
      // One connection for each type of key.
      limitMs: 8 * ANSWER_LIMIT_SECONDS * 1000,
      stdoutLimitBytes: OUTPUT_LIMIT_BYTES,
    })
    .catch((error: NodeJS.ErrnoException) => {
      throw unreachable(
        server,
        error.code === 'ENOENT' ? 'the program ssh-keyscan is not installed on this server; give the host keys' : 'ssh-keyscan could not run',
        error,
      );
    });
  if (answer.cut === 'closed') throw new SodateError('shutting-down');
  const lines = answer.stdout.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw unreachable(server, `no SSH server shows its keys at ${hostOf(server).name}:${port}. Check the address`);
  return parseHostKeys(lines.map((line) => line.slice(line.indexOf(' ') + 1)).join('\n'));
}
