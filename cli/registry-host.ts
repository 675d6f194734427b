import { listRegistries, RegistryAddress } from '@sodate/contract/registries.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';

/** The host for which a password is kept: a registered registry's by its name, else a host as it is given. */
export async function registryHost(given: string, cli: Cli): Promise<string> {
  const { items } = await cli.client().call(listRegistries, { signal: cli.signal });
  const registered = items.find((one) => one.name === given);
  if (registered !== undefined) return registered.address;
  const address = RegistryAddress.safeParse(given);
  if (address.success) return address.data;
  const names = items.map((one) => one.name).join(', ');
  throw new CliError(
    `There is no registry ${given}. Registered: ${names === '' ? 'none' : names}. Another one is given as in names of images: HOST or HOST:PORT.`,
  );
}
