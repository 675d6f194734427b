import { existsSync } from 'node:fs';
import { makeClient } from '@sodate/client/make-client.ts';
import { signIn } from '@sodate/contract/session.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Program } from './program.ts';
import { makeTestHome, type TestHome } from './test-home.ts';
import { makeProgramWithPages } from './web-journey.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));
const PASSWORD = 'chosen by the first admin';

/** A whole server and a browser are started: seconds on an idle machine, minutes on a loaded one. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe.skipIf(CHROMIUM === undefined)(
  `a first start, in a browser${CHROMIUM === undefined ? ' (skipped: no Chromium in /usr/bin; apt-get install chromium)' : ''}`,
  () => {
    const held: { program?: Program; home?: TestHome; browser?: Browser } = {};
    beforeAll(async () => {
      held.program = await makeProgramWithPages();
      held.home = await makeTestHome(held.program.file, { environment: { SODATE_ADMIN_PASSWORD: '' } });
      held.browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
    });
    afterAll(async () => {
      await held.browser?.close();
      await held.home?.remove();
      await held.program?.remove();
    });

    it('goes from the printed link to the live page of a run, on the real server and under its content policy', async () => {
      const { home, browser } = held;
      if (!home || !browser) throw new Error('The set-up has failed');
      const started = await home.run(['up', '--detach']);
      const link = /http\S+\/first-sign-in#\S+/.exec(started.stdout)?.[0];
      const url = /Sodate is ready at (\S+)/.exec(started.stdout)?.[1];
      if (link === undefined || url === undefined) throw new Error(`No link was printed: ${started.stdout}${started.stderr}`);

      const complaints: string[] = [];
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
      page.setDefaultTimeout(60_000);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
      });
      await openLink(page, link);
      await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
      await page.getByLabel('New password again').fill(PASSWORD);
      await page.getByRole('button', { name: 'Set password and sign in' }).click();
      await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
      expect(page.url()).not.toContain('#');

      const session = await makeClient({ server: url }).call(signIn, { body: { name: 'admin', password: PASSWORD, keep: 'token' } });
      const client = makeClient({ server: url, token: session.token ?? '' });
      const { number } = await client.call(startTask, {
        params: { tenant: 'sandbox' },
        body: { name: 'seen as it goes', command: 'echo first words; sleep 2; echo last words; exit 3', resources: { cpu: 0.1, memory: 100_000_000 } },
      });
      // By address: in the lists of the home page the run moves while it goes on.
      await page.goto(`${url}/tenants/sandbox/runs/task-${number}`);
      await page.getByRole('heading', { name: 'seen as it goes' }).waitFor();
      await page.getByText('first words').waitFor();
      await page.getByText('last words').waitFor();
      await page.getByText('exit code 3').first().waitFor();
      expect(complaints).toEqual([]);
      await page.close();
    });
  },
);

/**
 * Opens the link until its page is there. Networks of containers that other tests make meanwhile break off what a browser
 * loads at that moment (ERR_NETWORK_CHANGED); without its script the page stays empty, and its address what it was.
 */
async function openLink(page: Page, link: string): Promise<void> {
  const broken: string[] = [];
  page.on('requestfailed', (request) => broken.push(`${request.url()}: ${request.failure()?.errorText}`));
  for (let tries = 1; ; tries += 1) {
    await page.goto('about:blank');
    await page.goto(link);
    const opened = await page
      .getByLabel('New password', { exact: true })
      .waitFor({ timeout: 30_000 })
      .then(() => true)
      .catch(() => false);
    if (opened) return;
    // The secret has been taken: whatever is shown is no matter of the network.
    if (!page.url().includes('#') || tries === 5) throw new Error(`${page.url()} shows no form. Not loaded: ${broken.join('; ')}`);
  }
}
