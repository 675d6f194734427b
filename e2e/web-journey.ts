import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import type en from '../web/kit/i18n/en.json';
import { openPage, PICTURES, startBrowser, untilLoaded } from './browser.ts';
import { CHECKOUT, makeProgram, type Program } from './program.ts';
import { ADMIN_PASSWORD, makeTestHome, type TestHome } from './test-home.ts';

/** The tenant that a new platform has. */
export const TENANT = 'sandbox';

export interface SignedIn {
  readonly page: Page;
  /** What the page should not have said. */
  readonly complaints: readonly string[];
  /** To an address below the tenant's, until all that it shows is there. */
  go(to: string): Promise<void>;
}

export interface WebJourney {
  readonly home: TestHome;
  readonly url: string;
  readonly browser: Browser;
  /** A page of its own on which the first admin has just signed in. */
  signIn(locale: 'en-US' | 'ja-JP', texts: typeof en): Promise<SignedIn>;
}

/**
 * What journeys through the web UI begin with: the program with its pages, built from the sources of now, a server of it on
 * a home of its own that runs local processes, and a browser. Hooks that make things come after it.
 * @param prepare done in the home before the server starts; gives what its environment has besides
 */
export function useWebJourney(prepare: (home: TestHome) => Readonly<Record<string, string>> = () => ({})): () => WebJourney {
  const held: { program?: Program; home?: TestHome; browser?: Browser; url?: string } = {};
  beforeAll(async () => {
    held.program = await makeProgramWithPages();
    held.home = await makeTestHome(held.program.file, { environment: { SODATE_EXECUTORS: 'local' } });
    const environment = prepare(held.home);
    mkdirSync(PICTURES, { recursive: true });
    held.url = (await held.home.up({ environment })).url;
    held.browser = await startBrowser();
  });
  afterAll(async () => {
    await held.browser?.close();
    await held.home?.remove();
    await held.program?.remove();
  });
  return () => {
    const { home, url, browser } = held;
    if (home === undefined || url === undefined || browser === undefined) throw new Error('The set-up has failed');
    return { home, url, browser, signIn: (locale, texts) => signIn(browser, url, locale, texts) };
  };
}

/** The program as it is shipped, and the web UI that it serves. */
export async function makeProgramWithPages(): Promise<Program> {
  const program = await makeProgram();
  try {
    await build({ root: path.join(CHECKOUT, 'web'), logLevel: 'error', build: { outDir: path.join(path.dirname(program.file), 'web') } });
    return program;
  } catch (error) {
    await program.remove();
    throw error;
  }
}

async function signIn(browser: Browser, url: string, locale: string, texts: typeof en): Promise<SignedIn> {
  const { page, complaints } = await openPage(browser, locale);
  await page.goto(url);
  await page.getByLabel(texts.session.name).fill('admin');
  await page.getByLabel(texts.session.password, { exact: true }).fill(ADMIN_PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: texts.home.title, level: 1 }).waitFor();
  const go = async (to: string): Promise<void> => {
    await page.goto(`${url}/tenants/${TENANT}${to}`);
    await untilLoaded(page);
  };
  return { page, complaints, go };
}
