import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startDemoServer } from './demo/demo-server.ts';
import { runDemo } from './demo/run-demo.ts';

/** Makes the pictures of the README from a demo, so that they show what is. Needs Debian's chromium. */
const pictures = path.join(import.meta.dirname, '../docs/pictures');
const home = mkdtempSync(path.join(tmpdir(), 'sodate-pictures-'));
try {
  const { url } = await runDemo({ home, once: false, executor: 'local', port: '0', say: () => {} });
  const password = (await readFile(path.join(home, 'demo-password'), 'utf8')).trim();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1 });
  mkdirSync(pictures, { recursive: true });
  await page.goto(`${url}/tenants/demo/runs/training-1`);
  await page.locator('input').first().fill('demo');
  await page.locator('input[type=password]').fill(password);
  await page.keyboard.press('Enter');
  await page.getByText('accuracy on 355 testing images').waitFor();
  await page.screenshot({ path: path.join(pictures, 'run.png') });
  await page.goto(`${url}/tenants/demo/runs`);
  await page.getByText('small network').waitFor();
  await page.screenshot({ path: path.join(pictures, 'runs.png') });
  await browser.close();
} finally {
  await (await startDemoServer(home, 'local', '0')).down();
  rmSync(home, { recursive: true, force: true });
}
