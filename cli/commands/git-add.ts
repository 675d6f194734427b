import { createGitEndpoint, type GitEndpoint, GitServerKind } from '@sodate/contract/git.ts';
import { usageError } from '../cli-error.ts';
import { choice, defineCommand, needed, text, texts } from '../command.ts';
import { readSmallFile } from '../read-small-file.ts';

export const gitAdd = defineCommand({
  path: 'git add',
  summary: 'Register a git server, or a folder of repositories on the platform’s own machine (system admins)',
  details:
    'A server is https://HOST[:PORT][/PATH], http://… or ssh://[USER@]HOST[:PORT][/PATH]; names of repositories are added to it. Without --host-keys an SSH server is asked for its keys, and they are kept: compare the fingerprints.',
  args: { name: needed('<name>', 'name of the endpoint'), root: needed('<address>', 'of the server, or an absolute path below SODATE_GIT_ROOT') },
  options: {
    kind: choice('--kind <kind>', 'what the server is, which says how it lists its repositories (default: plain)', GitServerKind.options),
    api: text('--api <url>', 'where its API is, if not where such servers have it'),
    hostKeys: text('--host-keys <file>', 'keys of an SSH server, as ssh-keyscan or known_hosts has them'),
    lfsHost: texts('--lfs-host <host>', 'another host to which it may send us for content of Git LFS'),
  },
  async run(input, cli) {
    const local = input.root.startsWith('/');
    if (local && (input.kind ?? input.api ?? input.hostKeys ?? input.lfsHost[0]) !== undefined) throw usageError('A folder takes no options of a server.');
    const body = local
      ? { name: input.name, kind: 'local' as const, root: input.root }
      : {
          name: input.name,
          kind: input.kind ?? ('plain' as const),
          url: input.root,
          apiUrl: input.api,
          hostKeys: input.hostKeys === undefined ? undefined : await readSmallFile(input.hostKeys),
          lfsHosts: [...input.lfsHost],
        };
    const endpoint = await cli.client().call(createGitEndpoint, { body, signal: cli.signal });
    await cli.show(endpoint, () => `Endpoint ${endpoint.name} is registered. ${whatNext(endpoint)}${hostKeyLines(endpoint)}`);
  },
});

const whatNext = ({ name, kind }: GitEndpoint): string =>
  kind === 'local' ? `\`sodate git repositories ${name}\` lists what is there.` : `\`sodate git login ${name}\` sets what is signed in with there.`;

/** For people to compare with what the server's owner says. */
export const hostKeyLines = ({ hostKeys }: GitEndpoint): string => hostKeys.map(({ type, fingerprint }) => `\n${type} ${fingerprint}`).join('');
