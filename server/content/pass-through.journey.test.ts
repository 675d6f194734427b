import { useTestPlatform } from '#api-tests/test-platform.ts';
import { makeRun, openUpstream, serveUpstreams } from '#content/testing/serve-upstreams.ts';
import { startStandInUpstream } from '#content/testing/stand-in-upstream.ts';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => existsSync(file));

const PAGE = `<!doctype html><title>a program</title><ul id="said"></ul><script>
const say = (text) => document.getElementById('said').append(Object.assign(document.createElement('li'), { textContent: text }));
const socket = new WebSocket('ws://' + location.host + '/socket');
socket.onmessage = ({ data }) => { say(data); if (data === 'hello') socket.send('from a page'); };
socket.onerror = () => say('no socket');
fetch('/form', { method: 'POST', body: 'posted' }).then((answer) => answer.text()).then(say);
</script>`;

describe.skipIf(CHROMIUM === undefined)(
  `a program of a run, in a browser${CHROMIUM === undefined ? ' (skipped: no Chromium in /usr/bin; apt-get install chromium)' : ''}`,
  () => {
    const opened = useTestPlatform();

    it('is used in a tab and in a frame of the platform, its WebSocket too', async () => {
      const program = await startStandInUpstream((request, response) => {
        if (request.method === 'POST') return void request.pipe(response);
        response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'theirs=1; Path=/' }).end(PAGE);
      });
      const server = await serveUpstreams(opened(), { upstreamOf: () => ({ host: '127.0.0.1', port: program.port }), answerMs: 60_000 });
      const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
      try {
        const run = await makeRun(opened());
        const address = async (): Promise<string> => {
          const { host, ticket } = await openUpstream(opened(), { server: server.url, run });
          return `http://${host}/lab?ticket=${ticket}`;
        };
        const page = await browser.newPage();
        const said = ['posted', 'hello', 'echo from a page'].toSorted();
        await page.goto(await address());
        await expect.poll(async () => (await page.locator('li').allTextContents()).toSorted()).toEqual(said);
        expect(page.url()).toMatch(/^http:\/\/[a-z2-7]{26}\.run\.localhost:\d+\/lab$/);

        // Any answer of the platform is one of its pages.
        await page.goto(`${server.url}/`);
        const framed = await address();
        await page.evaluate(`document.body.append(Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(framed)} }))`);
        await expect.poll(async () => (await page.frameLocator('iframe').locator('li').allTextContents()).toSorted()).toEqual(said);
        expect(program.asked.map(({ headers }) => headers.cookie ?? '').filter((cookies) => /sodate/.test(cookies))).toEqual([]);
      } finally {
        await browser.close();
        await server.close();
        await program.close();
      }
    });
  },
);
