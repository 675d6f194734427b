import { readHostKeys } from '@sodate/contract/git.ts';
import { defineCommand, needed } from '../command.ts';

export const gitHostKeys = defineCommand({
  path: 'git host-keys',
  summary: 'The keys that an SSH server shows now, with their fingerprints to compare; nothing is kept (system admins)',
  details: 'The lines can be kept in a file and given to `sodate git add --host-keys` or `sodate git edit --host-keys`, so that no other key is ever taken.',
  args: { address: needed('<address>', 'ssh://[USER@]HOST[:PORT]') },
  async run(input, cli) {
    const found = await cli.client().call(readHostKeys, { body: { url: input.address }, signal: cli.signal });
    await cli.show(found, () => found.items.map(({ line, fingerprint }) => `# ${fingerprint}\n${line}`).join('\n'));
  },
});
