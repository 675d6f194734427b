import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CANNED_RUNS } from './testing/canned-runs.ts';
import { FIRST_SECRET, type FakeServer, startFakeServer } from './testing/fake-server.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const running = CANNED_RUNS[0];

describe.skipIf(CHROMIUM === undefined)(
  `the pages in a browser${CHROMIUM === undefined ? ' (skipped: no Chromium in /usr/bin; apt-get install chromium)' : ''}`,
  () => {
    let folder: string;
    let browser: Browser;
    let server: FakeServer;
    let page: Page;
    let complaints: string[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sodate-web-'));
      await build({ root: fileURLToPath(new URL('.', import.meta.url)), logLevel: 'error', build: { outDir: join(folder, 'pages') } });
      browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    beforeEach(async () => {
      server = await startFakeServer(join(folder, 'pages'));
      complaints = [];
      page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
      page.setDefaultTimeout(20_000);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy|Warning:|Maximum update/.test(message.text())) complaints.push(message.text());
      });
    });
    afterEach(async () => {
      await page.context().close();
      await server.stop();
      expect(complaints).toEqual([]);
    });

    const signIn = async (path: string): Promise<void> => {
      await page.goto(server.url + path);
      await page.getByLabel('User name').fill('ada');
      await page.getByLabel('Password', { exact: true }).fill('correct horse');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    };
    const shows = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();

    it('signs in after a wrong password, lists the runs and opens one', async () => {
      await page.goto(server.url);
      await page.getByLabel('User name').fill('ada');
      await page.getByLabel('Password', { exact: true }).fill('wrong');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await shows('Name or password is wrong.');
      expect(await page.getByLabel('User name').inputValue()).toBe('ada');
      await page.getByLabel('Password', { exact: true }).fill('correct horse');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.waitForURL('**/tenants/vision');
      await shows('7 of 8 free');
      await page.getByRole('navigation').getByRole('link', { name: 'Runs', exact: true }).click();
      await page.waitForURL('**/tenants/vision/runs');
      await shows('10,000 or more');
      await page.getByRole('link', { name: 'digits, 40 epochs' }).click();
      await page.waitForURL('**/runs/training-12');
      await expect.poll(() => page.title()).toBe('digits, 40 epochs · training-12 · vision · Sodate');
      // How long ago it was says when exactly it was, as long as the pointer rests on it.
      await page.locator('main time').first().hover();
      await page.getByRole('tooltip', { name: /\d{2}:\d{2}:\d{2}/ }).waitFor();
      await page.mouse.move(0, 0);
      await page.getByRole('tooltip').waitFor({ state: 'detached' });
    });

    it('takes the secret of a first link out of the address and sets the password', async () => {
      await page.goto(`${server.url}/first-sign-in#${FIRST_SECRET}`);
      await page.getByLabel('New password', { exact: true }).fill('short');
      expect(page.url()).toBe(`${server.url}/first-sign-in`);
      await page.getByRole('button', { name: 'Set password' }).click();
      await shows('The password needs at least 8 characters.');
      await page.getByLabel('New password', { exact: true }).fill('long enough');
      await page.getByLabel('New password again').fill('long enough');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.waitForURL('**/tenants/vision');
    });

    it('shows a log as it grows, as text, and finds in it', async () => {
      server.write('epoch 1 \u001b[32mloss 0.9\u001b[0m\n<b id=injected>bold</b>\n');
      await signIn('/tenants/vision/runs/training-12');
      await shows('epoch 1 loss 0.9');
      await shows('<b id=injected>bold</b>');
      expect(await page.locator('#injected').count()).toBe(0);
      server.write('epoch 2 loss 0.5\n');
      await shows('epoch 2 loss 0.5');
      await page.getByLabel('Search the log').fill('LOSS');
      await shows('– / 2');
      await page.keyboard.press('Enter');
      await shows('2 / 2');
    });

    it('stays quick with a million lines: draws few, jumps to the end and back', async () => {
      const block = Array.from({ length: 50_000 }, (_, index) => `step ${index} loss 0.123456`).join('\n');
      for (let turn = 0; turn < 20; turn += 1) server.write(`${block}\n`);
      server.write('the very last line\n');
      await signIn('/tenants/vision/runs/training-12');
      await shows('the very last line');
      await shows(/The first .* are not loaded/);
      await page.getByRole('button', { name: 'Load from the beginning' }).click();
      await page.getByText('Lines: 1,000,000').first().waitFor({ timeout: 90_000 });
      expect(await page.getByRole('log').locator('div div div').count()).toBeLessThan(120);
      await page.getByRole('button', { name: 'To the end' }).click();
      await shows('the very last line');
      await page.getByRole('button', { name: 'To the beginning' }).click();
      await shows('step 12 loss');
      server.write('and one more\n');
      await page.getByRole('switch', { name: 'Follow' }).click({ force: true });
      await shows('and one more');
    }, 150_000);

    it('keeps a list live and filters it', async () => {
      await signIn('/tenants/vision/runs');
      await shows('digits, 40 epochs');
      server.rename(running?.id ?? '', 'digits, renamed elsewhere');
      server.announce(running?.id ?? '');
      await shows('digits, renamed elsewhere');
      await page.getByRole('combobox', { name: 'Search', exact: true }).fill('nothing like that');
      await shows('Nothing matches');
      expect(page.url()).toContain('search=nothing');
      await page.getByRole('button', { name: 'Clear the filters' }).last().click();
      await shows('digits, renamed elsewhere');
      expect(await page.getByRole('combobox', { name: 'Search', exact: true }).inputValue()).toBe('');
    });

    it('asks for the password above the page when the session has ended, and loses nothing', async () => {
      await signIn('/tenants/vision/runs/training-12');
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByLabel('Grace time in seconds').fill('77');
      server.endSessions();
      await page.getByRole('button', { name: 'Stop the run' }).click();
      await shows('Please sign in again');
      await page.getByLabel('Password', { exact: true }).fill('correct horse');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('Please sign in again').waitFor({ state: 'detached' });
      expect(await page.getByLabel('Grace time in seconds').inputValue()).toBe('77');
      await page.getByRole('button', { name: 'Stop the run' }).click();
      await shows('training-12 is being stopped.');
    });

    it('says that the server cannot be reached and goes on by itself', async () => {
      server.write('before\n');
      await signIn('/tenants/vision/runs/training-12');
      await shows('before');
      server.cut(true);
      await shows('No connection to the server.');
      server.cut(false);
      server.write('after\n');
      await shows('after');
      await page.getByText('No connection to the server.').waitFor({ state: 'detached' });
      expect(await page.getByText('before', { exact: true }).count()).toBe(1);
    });

    it('fetches again what a changing network has broken off of a page: its code, its styles', async () => {
      const broken = new Set<string>();
      await page.route(/\/assets\/(runs-page|run-timeline)-[^/]*\.(js|css)$/, async (route) => {
        const address = route.request().url();
        if (broken.has(address)) return route.continue();
        broken.add(address);
        await route.abort('connectionfailed');
      });
      await signIn('/tenants/vision');
      await page.getByRole('navigation').getByRole('link', { name: 'Runs', exact: true }).click();
      await shows('10,000 or more');
      await expect.poll(() => page.evaluate(`[...document.styleSheets].some(({ href }) => /runs-page/.test(href))`)).toBe(true);
      await page.getByRole('link', { name: 'digits, 40 epochs' }).click();
      await page.getByRole('tab', { name: 'Timeline' }).click();
      await shows('placed');
      expect([...broken].map((address) => /(\w+-\w+)-[^/]*(\.\w+)$/.exec(address)?.slice(1).join('')).sort()).toEqual([
        'run-timeline.js',
        'runs-page.css',
        'runs-page.js',
      ]);
    });

    it('goes everywhere by the keyboard: pages, the search of a list, anything by its name', async () => {
      await signIn('/tenants/vision');
      await shows('Failed lately');
      await page.keyboard.press('g');
      await page.keyboard.press('r');
      await page.waitForURL('**/tenants/vision/runs');
      await page.getByRole('combobox', { name: 'Search', exact: true }).waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('gh?');
      expect(await page.getByRole('combobox', { name: 'Search', exact: true }).inputValue()).toBe('gh?');
      expect(page.url()).toContain('/runs');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('Name or number, or where to go').fill('training-13');
      await page.getByRole('dialog').getByRole('button', { name: 'waits for its turn' }).click();
      await page.waitForURL('**/runs/training-13');
    });

    it('chooses columns for the list of runs and remembers them', async () => {
      await signIn('/tenants/vision/runs');
      await shows('digits, 40 epochs');
      expect(await page.getByRole('columnheader', { name: 'Tags' }).count()).toBe(0);
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('checkbox', { name: 'Tags' }).check();
      await page.getByRole('columnheader', { name: 'Tags' }).waitFor();
      await page.reload();
      await page.getByRole('columnheader', { name: 'Tags' }).waitFor();
    });

    it('says what is wrong with an address', async () => {
      await signIn('/tenants/vision/runs/training-99');
      await shows('There is no run training-99 here.');
      expect(await page.getByRole('alert').textContent()).toContain('req-0042');
    });

    it('changes language and remembers it with the user', async () => {
      await signIn('/tenants/vision/runs');
      // The page that is still being loaded would close the menu when it comes.
      await shows('digits, 40 epochs');
      await page.getByRole('button', { name: /^Language/ }).click();
      await page.getByRole('menuitem', { name: '日本語' }).click();
      await page.getByRole('heading', { name: '実行', level: 1 }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('ja');
      await expect.poll(() => server.requests).toContain('PATCH /v1/me');
    });

    it('signs out, and afterwards nothing is shown without signing in', async () => {
      await signIn('/tenants/vision/runs/training-12?tab=outputs');
      await shows('model.json');
      await page.getByRole('button', { name: /^Account/ }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      await page.getByLabel('User name').waitFor();
      await page.goto(`${server.url}/tenants/vision/runs/training-12?tab=outputs`);
      await page.getByLabel('User name').waitFor();
      expect(server.requests).toContain('DELETE /v1/session');
      await signIn('/tenants/vision/runs/training-12?tab=outputs');
      await shows('model.json');
    });

    it('is usable at 360 px and by keyboard', async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      await signIn('/tenants/vision/runs');
      await shows('digits, 40 epochs');
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement?.textContent')).toBe('Skip to the content');
      await page.getByRole('link', { name: 'digits, 40 epochs' }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/runs/training-12');
      await page.getByRole('tab', { name: 'Log' }).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    });
  },
);
