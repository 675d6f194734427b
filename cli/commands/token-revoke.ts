import { revokeToken } from '@sodate/contract/tokens.ts';
import { defineCommand, needed } from '../command.ts';

export const tokenRevoke = defineCommand({
  path: 'token revoke',
  summary: 'End a token at once',
  tenant: true,
  args: { id: needed('<id>', 'id of the token') },
  async run(input, cli) {
    await cli.client().call(revokeToken, { params: { tenant: await cli.tenant(), token: input.id }, signal: cli.signal });
    await cli.show({ revoked: input.id }, () => `Token ${input.id} is ended.`);
  },
});
