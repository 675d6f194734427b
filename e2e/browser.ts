import { existsSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHECKOUT } from './program.ts';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => existsSync(file));
export const WITHOUT_CHROMIUM = CHROMIUM === undefined ? ' (skipped: no Chromium in /usr/bin; apt-get install chromium)' : '';

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });

/** A page that collects what it should not have said: errors of scripts and breaches of the content policy. */
export async function openPage(browser: Browser, locale: string): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
  const complaints: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale, colorScheme: 'light', reducedMotion: 'reduce' });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Maximum update/.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}

/** Waits until nothing that stands for something still to come is shown. */
export async function untilLoaded(page: Page): Promise<void> {
  await page.locator('main h1, main [role=alert]').first().waitFor();
  const coming = page.locator('main .mantine-Skeleton-root, main .mantine-Loader-root');
  while ((await coming.count()) > 0) await coming.first().waitFor({ state: 'detached' });
}

/** What axe-core calls serious or critical on the page as it is. */
export async function seriousViolations(page: Page, rules: readonly string[] | null): Promise<readonly string[]> {
  await page.evaluate(`${axe.source}; undefined`);
  const options = rules === null ? { resultTypes: ['violations'] } : { resultTypes: ['violations'], runOnly: { type: 'rule', values: rules } };
  const found = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' … ')}`);
}

export const PICTURES = path.join(CHECKOUT, 'test-output/pages');
