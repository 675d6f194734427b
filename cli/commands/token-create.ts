import { createToken } from '@sodate/contract/tokens.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, text, wholeNumber } from '../command.ts';

export const tokenCreate = defineCommand({
  path: 'token create',
  summary: 'Create a token for scripts; its secret is shown this once',
  details: 'With --json exactly one line: {"id": …, "secret": …}. Use it as SODATE_TOKEN=<secret> or SODATE_TOKEN=<id>:<secret>.',
  tenant: true,
  options: { name: text('--name <name>', 'what it is for'), expires: wholeNumber('--expires-in-days <days>', 'ends by itself after so many days') },
  async run(input, cli) {
    if (input.name === undefined) throw usageError('--name <name> is needed.');
    const params = { tenant: await cli.tenant() };
    const token = await cli.client().call(createToken, { params, body: { name: input.name, expiresInDays: input.expires }, signal: cli.signal });
    await cli.show({ id: token.id, secret: token.secret }, () => `Id:      ${token.id}\nSecret:  ${token.secret}`);
    if (!cli.json) cli.note('The secret is not shown again.');
  },
});
