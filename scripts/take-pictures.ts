import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeClient } from '@sodate/client/make-client.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { RUN_STATES } from '@sodate/contract/runs.ts';
import { signIn } from '@sodate/contract/session.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensureBuilt } from '../bench/ensure-built.ts';
import { REPOSITORY, TENANT, USER } from './demo/demo-content.ts';
import { startDemoServer } from './demo/demo-server.ts';
import { runDemo } from './demo/run-demo.ts';

/**
 * Makes the pictures of the README in both languages from a demo and two more trainings, so that they show what is. Needs
 * Debian's chromium, and fonts-noto-cjk for the Japanese ones.
 */
const pictures = path.join(import.meta.dirname, '../docs/pictures');
const LANGUAGES = [
  { locale: 'en-US', ending: 'png' },
  { locale: 'ja-JP', ending: 'ja.png' },
] as const;
const ENDED: readonly string[] = RUN_STATES.slice(-3);

const say = (text: string): void => void process.stdout.write(`${text}\n`);
ensureBuilt(say);
const home = mkdtempSync(path.join(tmpdir(), 'sodate-pictures-'));
let browser: Browser | null = null;
try {
  const { url } = await runDemo({ home, once: false, executor: 'local', port: '0', say: () => {} });
  const password = (await readFile(path.join(home, 'demo-password'), 'utf8')).trim();
  await trainMore(url, password);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  mkdirSync(pictures, { recursive: true });
  for (const { locale, ending } of LANGUAGES) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale, colorScheme: 'light', reducedMotion: 'reduce' });
    page.setDefaultTimeout(120_000);
    await enter(page, url, password);
    const take = async (name: string, address: string, drawn: string): Promise<void> => {
      await page.goto(`${url}/tenants/${TENANT}${address}`);
      await page.locator(drawn).first().waitFor();
      await settle(page);
      await page.screenshot({ path: path.join(pictures, `${name}.${ending}`) });
    };
    await take('run', '/runs/training-1?tab=metrics', 'canvas');
    await take('compare', '/compare?runs=training-1,training-2,training-3', 'canvas');
    await take('ancestry', '/runs/inference-1?tab=ancestry', '.react-flow__node');
    await page.context().close();
  }
} finally {
  await browser?.close();
  await (await startDemoServer(home, 'local', '0')).down();
  rmSync(home, { recursive: true, force: true });
}

/** Two more trainings, so that there is something to compare. */
async function trainMore(url: string, password: string): Promise<void> {
  const { token } = await makeClient({ server: url }).call(signIn, { body: { name: USER, password, keep: 'token' } });
  const client = makeClient({ server: url, token: token ?? '' });
  for (const rate of ['0.01', '0.002']) {
    const body = {
      name: `learning rate ${rate}`,
      dataset: '1',
      git: { repository: REPOSITORY },
      resources: { cpu: 1, memory: 1_000_000_000, gpus: 0 },
      command: ['node', 'train.mjs'],
      environment: { LEARNING_RATE: rate },
    };
    const params = { tenant: TENANT, run: (await client.call(startTraining, { params: { tenant: TENANT }, body })).id };
    while (!ENDED.includes((await client.call(getRun, { params })).state)) await sleep(200);
  }
}

async function enter(page: Page, url: string, password: string): Promise<void> {
  await page.goto(url);
  await page.locator('input').first().fill(USER);
  await page.locator('input[type=password]').fill(password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/tenants/**');
}

/** Until two looks in a row show the same: charts and graphs are drawn bit by bit. */
async function settle(page: Page): Promise<void> {
  for (let before = '', now = await look(page); before !== now; now = await look(page)) {
    before = now;
    await sleep(500);
  }
}

async function look(page: Page): Promise<string> {
  return (await page.screenshot()).toString('base64');
}
