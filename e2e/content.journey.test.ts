import { startTask } from '@sodate/contract/tasks.ts';
import type { Frame, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import en from '../web/kit/i18n/en.json' with { type: 'json' };
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };
import { CHROMIUM, WITHOUT_CHROMIUM } from './browser.ts';
import { signInAsAdmin } from './test-home.ts';
import { type SignedIn, TENANT as NAME, useWebJourney } from './web-journey.ts';

const TENANT = `/tenants/${NAME}`;

interface WithStyles {
  getComputedStyle(element: unknown): { readonly color: string };
}

/** Tries what a page must not be able to do to whoever looks at it, and writes down how each try ended. */
const hostilePage = (
  platform: string,
): string => `<!doctype html><title>hostile</title><pre id="report"></pre><form id="form" method="post" action="${platform}/v1/session" target="_self"></form>
<script>
const platform = ${JSON.stringify(platform)};
const failed = (work) => Promise.resolve().then(work).then((value) => 'done: ' + value, () => 'refused');
const loaded = (element) => new Promise((resolve) => { element.onload = () => resolve('loaded'); element.onerror = () => resolve('refused'); });
(async () => {
  const report = {};
  report.cookies = document.cookie;
  report.me = await failed(async () => (await fetch(platform + '/v1/me', { credentials: 'include' })).status);
  report.blind = await failed(async () => (await fetch(platform + '/v1/session', { method: 'POST', mode: 'no-cors', credentials: 'include' })).type);
  report.elsewhere = await failed(async () => (await fetch('http://127.0.0.1:9/')).status);
  const image = new Image(); image.src = platform + '/v1/me';
  report.image = await loaded(image);
  const script = document.createElement('script'); script.src = platform + '/v1/me'; document.head.append(script);
  report.script = await loaded(script);
  report.events = await new Promise((resolve) => { try { const source = new EventSource(platform + '/v1${TENANT}/events', { withCredentials: true }); source.onopen = () => resolve('open'); source.onerror = () => resolve('refused'); } catch { resolve('refused'); } });
  report.socket = await new Promise((resolve) => { try { const socket = new WebSocket(platform.replace('http', 'ws') + '/v1${TENANT}/events'); socket.onopen = () => resolve('open'); socket.onerror = () => resolve('refused'); } catch { resolve('refused'); } });
  report.worker = await failed(async () => (await navigator.serviceWorker.register('worker.js')).scope);
  report.parent = await failed(() => { if (parent === window) throw new Error('alone'); return parent.document.title; });
  report.top = await failed(() => { if (top === window) throw new Error('alone'); top.location = 'about:blank'; return 'moved'; });
  report.window = await failed(() => { if (window.open('about:blank') === null) throw new Error('none'); return 'opened'; });
  report.own = await failed(async () => (await fetch('worker.js')).status);
  document.getElementById('report').textContent = JSON.stringify(report);
})();
</script>`;

const REFUSED = {
  cookies: '',
  me: 'refused',
  blind: 'refused',
  elsewhere: 'refused',
  image: 'refused',
  script: 'refused',
  events: 'refused',
  socket: 'refused',
  worker: 'refused',
  parent: 'refused',
  top: 'refused',
  window: 'refused',
  own: 'done: 200',
};

const REPORT: Readonly<Record<string, string>> = {
  'report/index.html':
    '<!doctype html><title>report</title><link rel="stylesheet" href="../style.css"><h1>A report</h1><a href="more.html">more</a><script type="module" src="./app.js"></script>',
  'report/app.js': 'const numbers = await (await fetch("../numbers.json")).json(); document.querySelector("h1").textContent += " of " + numbers.length;',
  'report/more.html': '<!doctype html><p>There is more.</p>',
  'style.css': 'h1 { color: rgb(1, 2, 3) }',
  'numbers.json': '[1, 2, 3]',
  'figure.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><circle id="dot" r="20" cx="25" cy="25"/></svg>',
  'work.ipynb': JSON.stringify({
    nbformat: 4,
    cells: [
      {
        cell_type: 'code',
        execution_count: 1,
        source: 'table()',
        outputs: [{ output_type: 'execute_result', data: { 'text/html': '<b id="made">a table</b>' } }],
      },
    ],
  }),
  'worker.js': 'self.addEventListener("fetch", () => {});',
};

describe.skipIf(CHROMIUM === undefined)(`what jobs wrote, in a browser${WITHOUT_CHROMIUM}`, () => {
  const journey = useWebJourney();
  beforeAll(async () => {
    const { url } = journey();
    const files = Object.entries({ ...REPORT, 'hostile.html': hostilePage(url) });
    const write = files.map(([name, text]) => `echo ${Buffer.from(text).toString('base64')} | base64 -d > '${name}'`);
    const command = ['cd "$SAKURA_ARTIFACT_DIR"', 'mkdir report', ...write].join('\n');
    await (
      await signInAsAdmin(url)
    ).call(startTask, { params: { tenant: NAME }, body: { name: 'writes pages', command, resources: { cpu: 0.1, memory: 100_000_000 } } });
  });

  /** At the files of the run, once it has ended and they stand still. */
  const atOutputs = async (locale: 'en-US' | 'ja-JP', texts: typeof en): Promise<SignedIn> => {
    const opened = await journey().signIn(locale, texts);
    const { page } = opened;
    await page.goto(`${journey().url}${TENANT}/runs/task-1?tab=outputs`);
    await page.getByText(texts.state.succeeded).first().waitFor();
    return opened;
  };
  const look = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
  const reportOf = async (place: Page | Frame): Promise<unknown> => {
    await place
      .locator('#report:not(:empty)')
      .waitFor()
      .catch(async (error: unknown) => {
        throw new Error(`No report at ${place.url()}: ${await place.content()}`, { cause: error });
      });
    return JSON.parse(await place.locator('#report').innerText());
  };
  const framed = async (page: Page): Promise<Frame> => {
    const frame = await (await page.locator('iframe').elementHandle())?.contentFrame();
    if (!frame) throw new Error('There is no frame');
    return frame;
  };

  it.each([
    ['en-US', en],
    ['ja-JP', ja],
  ] as const)('are shown as pages that find what lies beside them (%s)', async (locale, texts) => {
    const { page, complaints } = await atOutputs(locale, texts);
    await look(page, 'report');
    await look(page, 'index.html');
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'A report of 3' }).waitFor();
    expect(await frame.locator('h1').evaluate((heading) => (globalThis as unknown as WithStyles).getComputedStyle(heading).color)).toBe('rgb(1, 2, 3)');
    await frame.getByRole('link', { name: 'more' }).click();
    await frame.getByText('There is more.').waitFor();
    await page.getByText(texts.preview.asText, { exact: true }).click();
    await page.getByText('<h1>A report</h1>').waitFor();
    expect(await page.locator('iframe').count()).toBe(0);

    // A tab of its own, at a host that is another's than ours; a second look at the same address is another's.
    const opening = page.waitForEvent('popup');
    await page.getByRole('button', { name: texts.preview.openTab }).click();
    const tab = await opening;
    await tab.getByRole('heading', { name: 'A report of 3' }).waitFor();
    expect(tab.url()).toMatch(/^http:\/\/[a-z2-7]{26}\.run\.localhost:\d+\/report\/index\.html$/);
    await tab.reload();
    await tab.getByRole('heading', { name: 'A report of 3' }).waitFor();
    await page.keyboard.press('Escape');

    await page.goto(`${journey().url}${TENANT}/runs/task-1?tab=outputs`);
    await look(page, 'figure.svg');
    await frame.locator('#dot').waitFor();
    await page.keyboard.press('Escape');
    await look(page, 'work.ipynb');
    await frame.locator('#made').waitFor();
    expect(complaints).toEqual([]);

    // What was opened ends with the sign-in.
    await page.request.delete(`${journey().url}/v1/session`, { headers: { origin: journey().url } });
    await tab.reload();
    await tab.getByText(locale === 'ja-JP' ? '開き直す必要があります' : 'has to be opened again').waitFor();
    await page.context().close();
  });

  it('cannot turn against whoever looks at them', async () => {
    const { page } = await atOutputs('en-US', en);
    await look(page, 'hostile.html');
    await page.locator('iframe').waitFor();
    expect(await reportOf(await framed(page))).toEqual(REFUSED);
    expect(page.url()).toBe(`${journey().url}${TENANT}/runs/task-1?tab=outputs`);

    const opening = page.waitForEvent('popup');
    await page.getByRole('button', { name: en.preview.openTab }).click();
    const tab = await opening;
    expect(await reportOf(tab)).toEqual(REFUSED);
    expect(await tab.evaluate('opener === null')).toBe(true);
    const sent = tab.evaluate(
      "new Promise((resolve) => { addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective)); document.getElementById('form').submit(); })",
    );
    expect(await sent).toBe('form-action');
    const cookies = await page.context().cookies();
    expect(
      cookies.filter(({ domain }) => domain.endsWith('localhost')).every(({ httpOnly, domain }) => httpOnly && /^[a-z2-7]{26}\.run\.localhost$/.test(domain)),
    ).toBe(true);
    // The person is signed in as before.
    expect((await page.request.get(`${journey().url}/v1/me`)).status()).toBe(200);
    await page.context().close();
  });
});
