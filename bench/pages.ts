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

/** Ways from one page to the next by a link, each with where it begins and what is there when the next can be used. */
const WAYS: Readonly<Record<string, { readonly from: keyof typeof PAGES; readonly link: string; readonly usable: string }>> = {
  'home to runs': { from: 'home', link: 'nav a[href$="/runs"]', usable: 'main table a[href*="/runs/"]' },
  'home to data': { from: 'home', link: 'nav a[href$="/data"]', usable: '[role=table] a[href*="/data/"]' },
  'runs to one run': { from: 'runs', link: 'main table a[href*="/runs/task-"]', usable: 'main [role=tab]' },
};

/** Pages over many data and runs in a browser, opened by their address or a link, with what a browser keeps of earlier visits. */
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
      const busyMs = await watchThread(page);
      const figures: Figure[] = [explain('  data and runs', `${data} and ${runs}`)];
      const all: number[] = [];
      const measureRounds = async (what: string, once: () => Promise<number>): Promise<void> => {
        const [times, busy]: [number[], number[]] = [[], []];
        for (let round = 0; round <= ROUNDS; round += 1) {
          const took = await once();
          // The first fetches what the browser keeps from then on.
          if (round === 0) continue;
          times.push(took);
          busy.push(await busyMs());
        }
        all.push(quantile(times, 0.5));
        figures.push(
          explain(
            `  ${what}, ms in the middle and at most; of the page's thread`,
            `${rounded(quantile(times, 0.5))}, ${rounded(Math.max(...times))}; ${rounded(quantile(busy, 0.5))}`,
          ),
        );
      };
      const addressOf = (one: keyof typeof PAGES): string => `${server.url}/tenants/${name}${PAGES[one]?.address ?? ''}`;
      for (const [what, { usable }] of Object.entries(PAGES))
        await measureRounds(what, async () => {
          await page.goto('about:blank');
          await busyMs();
          return untilUsable(page, usable, () => page.goto(addressOf(what), { waitUntil: 'commit' }));
        });
      for (const [what, { from, link, usable }] of Object.entries(WAYS))
        await measureRounds(what, async () => {
          await page.goto(addressOf(from));
          await page.locator(link).first().waitFor();
          await untilLoaded(page);
          await busyMs();
          return untilUsable(page, usable, () => page.locator(link).first().click());
        });
      return [atMost('the slowest page, in the middle of its openings', Math.max(...all), USABLE_MS, 'ms'), ...figures];
    } finally {
      for (const end of ends.toReversed()) await end();
    }
  },
};

async function untilUsable(page: Page, usable: string, go: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await go();
  await page.locator(usable).first().waitFor();
  await untilLoaded(page);
  return performance.now() - began;
}

/** @returns asks for the processor time that the page's main thread took since it was asked last: the same on a busy machine as on a quiet one, or nearly */
async function watchThread(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const held = { before: 0 };
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const now = (metrics.find((metric) => metric.name === 'TaskDuration')?.value ?? 0) * 1_000;
    // Another document may have another thread, which begins anew.
    const took = now >= held.before ? now - held.before : now;
    held.before = now;
    return took;
  };
}
