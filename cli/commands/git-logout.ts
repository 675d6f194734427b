import { deleteMyGitCredential, deleteTenantGitCredential } from '@sodate/contract/git-credentials.ts';
import { defineCommand, flag, needed } from '../command.ts';

export const gitLogout = defineCommand({
  path: 'git logout',
  summary: 'Forget what you sign in with at a git server in the tenant',
  tenant: true,
  args: { endpoint: needed('<endpoint>', 'name or id') },
  options: { forTenant: flag('--for-tenant', 'forget what the tenant signs in with (its admins)') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), endpoint: input.endpoint };
    await cli.client().call(input.forTenant ? deleteTenantGitCredential : deleteMyGitCredential, { params, signal: cli.signal });
    await cli.show({ removed: input.endpoint }, () => `${input.forTenant ? params.tenant : 'You'} will not sign in at ${input.endpoint} any more.`);
  },
});
