import path from 'node:path';
import { makeClient } from '@sodate/client/make-client.ts';
import { signIn } from '@sodate/contract/session.ts';
import { listTenants, putMember } from '@sodate/contract/tenants.ts';
import type { Page } from 'playwright-core';
import { CHROMIUM, startBrowser, untilLoaded } from '../e2e/browser.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { type Bench, scaled } from './bench.ts';
import { startServer } from './bench-server.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { FULL, USUAL } from './lists.ts';
import { createDatabase, seed } from './seeded-lists.ts';

const PASSWORD = 'only for measuring';
const USABLE_MS = 1_000;
const ROUNDS = 6;

/** Addresses below the tenant's, each with what is there when the page can be used. */
const PAGES: Readonly<Record<string, { readonly address: string; readonly usable: string }>> = {
  home: { address: '', usable: 'main a[href*="/runs/"]' },
  data: { address: '/data', usable: '[role=table] a[href*="/data/"]' },
  'data: a text in one of a thousand': { address: '/data?search=aurora', usable: '[role=table] a[href*="/data/"]' },
  'one data': { address: '/data/42', usable: 'main [role=tab]' },
  'data sets': { address: '/datasets', usable: 'main a[href*="/datasets/"]' },
  runs: { address: '/runs', usable: 'main table a[href*="/runs/"]' },
  'runs: metric.loss<0.5, by its value': { address: '/runs?search=metric.loss%3C0.5&sort=metric.loss', usable: 'main table a[href*="/runs/"]' },
  'one run': { address: '/runs/task-42?tab=timeline', usable: 'main [role=tab]' },
};

/** Pages over many data and runs in a browser, opened by their address, with what a browser keeps of earlier visits. */
export const pagesBench: Bench = {
  name: 'pages',
  about: 'pages in Chromium until they can be used',
  async measure(context) {
    if (CHROMIUM === undefined) return [explain('not measured', 'no Chromium in /usr/bin')];
    const size = process.env['SODATE_BENCH_LISTS'] === 'full' ? FULL : USUAL;
    const [data, runs] = [scaled(context, size.data, 1_000), scaled(context, size.runs, 1_000)];
    const postgres = await startThrowawayPostgres();
    const ends: (() => Promise<void>)[] = [() => postgres.stop()];
    try {
      const address = await createDatabase(postgres.connection);
      const { host, port, user, password, database } = { ...postgres.connection, database: address.database };
      const server = await startServer({
        program: context.program,
        profile: null,
        environment: {
          SODATE_HOME: path.join(context.folder, 'pages'),
          SODATE_ADMIN_PASSWORD: PASSWORD,
          SODATE_PORT: '0',
          SODATE_LOG_LEVEL: 'warn',
          DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(host)}&port=${port}`,
        },
      });
      ends.push(() => server.stop());
      const { tenant } = await seed(address, { data, runs });
      const { token } = await makeClient({ server: server.url }).call(signIn, { body: { name: 'admin', password: PASSWORD, keep: 'token' } });
      const client = makeClient({ server: server.url, token: token ?? '' });
      const name = (await client.call(listTenants)).items.find(({ id }) => id === tenant)?.name ?? '';
      await client.call(putMember, { params: { tenant: name, user: 'admin' }, body: { role: 'admin' } });
      const browser = await startBrowser();
      ends.push(() => browser.close());
      const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: 'en-US' });
      await page.request.post(`${server.url}/v1/session`, { data: { name: 'admin', password: PASSWORD, keep: 'cookie' }, headers: { origin: server.url } });
      const figures: Figure[] = [explain('  data and runs', `${data} and ${runs}`)];
      const all: number[] = [];
      for (const [what, { address: below, usable }] of Object.entries(PAGES)) {
        const times: number[] = [];
        for (let round = 0; round <= ROUNDS; round += 1) {
          const took = await untilUsable(page, `${server.url}/tenants/${name}${below}`, usable);
          // The first fetches what the browser keeps from then on.
          if (round > 0) times.push(took);
        }
        all.push(quantile(times, 0.5));
        figures.push(explain(`  ${what}, ms in the middle and at most`, `${rounded(quantile(times, 0.5))}, ${rounded(Math.max(...times))}`));
      }
      return [atMost('the slowest page, in the middle of its openings', Math.max(...all), USABLE_MS, 'ms'), ...figures];
    } finally {
      for (const end of ends.toReversed()) await end();
    }
  },
};

async function untilUsable(page: Page, address: string, usable: string): Promise<number> {
  await page.goto('about:blank');
  const began = performance.now();
  await page.goto(address, { waitUntil: 'commit' });
  await page.locator(usable).first().waitFor();
  await untilLoaded(page);
  return performance.now() - began;
}
