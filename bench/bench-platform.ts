import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { signIn } from '@sodate/contract/session.ts';
import { startServer, type BenchServer } from './bench-server.ts';
import { makeDataset, makeRepository, makeTenantAndUser, TENANT, USER } from '../scripts/demo/demo-content.ts';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

const PASSWORD = 'only for measuring';

export interface BenchPlatform {
  readonly tenant: string;
  /** Of the digits example's data set. */
  readonly dataset: string;
  readonly client: () => Client;
  readonly server: () => BenchServer;
  /** With which the CLI works on it. */
  cliEnvironment(): Readonly<Record<string, string>>;
  /** Ends the server and its database and starts them again. @returns ms until it serves */
  restart(): Promise<number>;
  close(): Promise<void>;
}

/** A server of its own on a home of its own, with what the demo makes in it. */
export async function openBenchPlatform(options: {
  readonly program: string;
  readonly folder: string;
  readonly profile: string | null;
}): Promise<BenchPlatform> {
  const home = path.join(options.folder, 'home');
  const gitRoot = path.join(options.folder, 'repositories');
  await mkdir(gitRoot, { recursive: true });
  const environment = {
    SODATE_HOME: home,
    SODATE_GIT_ROOT: gitRoot,
    SODATE_ADMIN_PASSWORD: PASSWORD,
    SODATE_PORT: '0',
    SODATE_LOG_LEVEL: 'warn',
    DATABASE_URL: '',
  };
  const start = (): Promise<BenchServer> => startServer({ ...options, environment });
  const held = { server: await start(), client: makeClient({ server: 'http://nowhere' }), token: '' };
  const signedIn = async (name: string): Promise<Client> => {
    const { url } = held.server;
    const session = await makeClient({ server: url }).call(signIn, { body: { name, password: PASSWORD, keep: 'token' } });
    held.token = session.token ?? '';
    return makeClient({ server: url, token: held.token });
  };
  try {
    const admin = await signedIn('admin');
    await makeTenantAndUser(admin, PASSWORD);
    await makeRepository(admin, gitRoot);
    held.client = await signedIn(USER);
    const dataset = String(await makeDataset(held.client, () => {}));
    return {
      tenant: TENANT,
      dataset,
      client: () => held.client,
      server: () => held.server,
      cliEnvironment: () => ({ SODATE_SERVER: held.server.url, SODATE_TOKEN: held.token, SODATE_TENANT: TENANT, XDG_CONFIG_HOME: options.folder }),
      async restart() {
        await held.server.stop();
        const began = performance.now();
        held.server = await start();
        await makeClient({ server: held.server.url }).call(getHealth);
        const took = performance.now() - began;
        held.client = await signedIn(USER);
        return took;
      },
      close: () => held.server.stop(),
    };
  } catch (error) {
    await held.server.stop();
    throw error;
  }
}
