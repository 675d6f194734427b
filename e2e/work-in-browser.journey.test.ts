import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import en from '../web/kit/i18n/en.json' with { type: 'json' };
import gitEn from '../web/kit/i18n/git.en.json' with { type: 'json' };
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };
import { CHROMIUM, PICTURES, seriousViolations, untilLoaded, WITHOUT_CHROMIUM } from './browser.ts';
import { TENANT as NAME, useWebJourney } from './web-journey.ts';

const TENANT = `/tenants/${NAME}`;

/* The whole work in a browser, on the real server and under its content policy, in both languages; then every page. */

describe.skipIf(CHROMIUM === undefined)(`working in the browser${WITHOUT_CHROMIUM}`, () => {
  const journey = useWebJourney((home) => {
    rmSync(PICTURES, { recursive: true, force: true });
    const root = path.join(home.folder, 'repositories');
    const repository = path.join(root, 'digits');
    mkdirSync(repository, { recursive: true });
    writeFileSync(path.join(repository, 'train.sh'), `${writeMetrics(0.001)}echo a model is trained\n`);
    writeFileSync(path.join(repository, 'infer.sh'), `${writeMetrics(0.0004)}echo a model is applied\n`);
    const git = (...args: string[]): unknown =>
      execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', '-c', 'init.defaultBranch=main', ...args], { cwd: repository });
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'Train and infer');
    return { SODATE_GIT_ROOT: root };
  });

  it.each([
    ['en-US', en],
    ['ja-JP', ja],
  ] as const)(
    'goes from files to the lineage of an inference (%s)',
    async (locale, texts) => {
      const { page, complaints } = await journey().signIn(locale, texts);
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      const fill = (label: string, value: string): Promise<void> => page.getByRole('textbox', { name: label }).first().fill(value);
      const datasetName = `digits ${locale}`;

      if (locale === 'en-US') {
        await page.getByRole('link', { name: texts.nav.administration }).click();
        await page.getByRole('tab', { name: texts.admin.section.git }).click();
        await button(texts.admin.newEndpoint).click();
        await fill(texts.data.name, 'local');
        await page
          .getByRole('textbox', { name: gitEn.kindLabel })
          .or(page.getByRole('combobox', { name: gitEn.kindLabel }))
          .first()
          .click();
        await page.getByRole('option', { name: gitEn.kind.local }).click();
        await fill(texts.admin.root, path.join(journey().home.folder, 'repositories'));
        await button(texts.action.create).click();
        await page.getByRole('list', { name: texts.admin.section.git }).getByText('repositories').waitFor();
      }

      // Files become data, one each.
      await page.getByRole('link', { name: texts.nav.data, exact: true }).click();
      await button(texts.upload.title).first().click();
      const image = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
      await page.getByLabel(texts.upload.chooseFiles).setInputFiles([
        { name: `zero ${locale}.png`, mimeType: 'image/png', buffer: image },
        { name: `one ${locale}.csv`, mimeType: 'text/csv', buffer: Buffer.from('x,y\n1,2\n') },
        { name: `two ${locale}.txt`, mimeType: 'text/plain', buffer: Buffer.from('') },
      ]);
      await page.getByText(texts.upload.group.file, { exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: texts.upload.start, exact: true }).click();
      await page.getByRole('region', { name: texts.upload.tray }).getByText(texts.upload.state.done).waitFor();
      await page.getByRole('region', { name: texts.upload.tray }).getByRole('button', { name: texts.action.close }).click();

      // What is in a file can be seen.
      await page.getByRole('link', { name: `one ${locale}.csv` }).click();
      await button(`one ${locale}.csv`).click();
      await page.getByRole('columnheader', { name: 'x' }).waitFor();
      await page.keyboard.press('Escape');
      await page.goBack();

      // The three are chosen at once, and one is dragged to another column.
      for (const name of ['zero', 'one', 'two']) await page.getByRole('checkbox', { name: new RegExp(`${name} ${locale}`) }).check();
      await button(texts.data.makeDataset).click();
      await fill(texts.data.name, datasetName);
      const training = page.getByRole('region', { name: texts.datasets.type.training });
      const testing = page.getByRole('region', { name: texts.datasets.type.testing });
      await training.getByText(`two ${locale}.txt`).waitFor();
      await drag(page, training.getByText(`two ${locale}.txt`), testing);
      await testing.getByText(`two ${locale}.txt`).waitFor();
      await training.getByRole('checkbox', { name: new RegExp(`one ${locale}`) }).check();
      await training.getByRole('button', { name: `→ ${texts.datasets.type.validation}` }).click();
      await button(texts.datasets.create).click();
      await page.getByRole('heading', { name: datasetName, level: 1 }).waitFor();

      // A training on it, step by step.
      await page.getByRole('link', { name: texts.datasets.train }).click();
      await button(texts.submit.next).click();
      await page.getByText(texts.data.nameForm).waitFor();
      await fill(texts.data.name, `a small network ${locale}`);
      await button(texts.submit.next).click();
      await page
        .getByRole('combobox', { name: texts.submit.repository })
        .or(page.getByRole('textbox', { name: texts.submit.repository }))
        .first()
        .fill('digits');
      await page.getByText('Train and infer').waitFor();
      await fill(texts.request.command, 'sh train.sh');
      await button(texts.submit.next).click();
      await page.getByText(texts.submit.fit.now).waitFor();
      await page.getByLabel(texts.submit.gpus).fill('512');
      await page.getByText(texts.submit.hopelessTitle).waitFor();
      await page.getByLabel(texts.submit.gpus).fill('0');
      await page.getByLabel(texts.submit.cpu).fill('0.1');
      await button(texts.submit.next).click();
      await button(texts.submit.send).click();
      await page.getByText('a model is trained').waitFor();
      await page.getByText(texts.state.succeeded).first().waitFor();

      // What it wrote of itself in numbers is drawn, and what it cannot have written well is said; more comes by itself.
      const log = page.url();
      await page.getByRole('tab', { name: texts.run.metrics }).click();
      const loss = page.getByRole('region', { name: 'train/loss', exact: true });
      await loss.locator('canvas').waitFor();
      await loss.getByText('0.05', { exact: true }).waitFor();
      await page.getByText(texts.metrics.losses.malformedLines.replace('{{amount}}', '1')).waitFor();
      const run = log.split('/').at(-1) ?? '';
      const score = page.getByRole('region', { name: 'test/score', exact: true });
      await append(page, run, [{ name: 'test/score', step: 1, value: 0.5 }]);
      await score.locator('canvas').waitFor();
      await append(page, run, [{ name: 'test/score', step: 2, value: 0.54321 }]);
      await score.getByText('0.54321', { exact: true }).waitFor();
      await loss.locator('.u-over').hover();
      await loss.getByText(/^1?\d$/).waitFor();
      // A part of it can be looked at closer.
      const drawn = await loss.locator('.u-over').boundingBox();
      await page.mouse.move((drawn?.x ?? 0) + 40, (drawn?.y ?? 0) + 50);
      await page.mouse.down();
      await page.mouse.move((drawn?.x ?? 0) + 120, (drawn?.y ?? 0) + 60, { steps: 4 });
      await page.mouse.up();
      await loss.getByRole('button', { name: texts.metrics.zoomBack }).click();
      await page.getByLabel(texts.metrics.search).fill('accuracy');
      await loss.waitFor({ state: 'detached' });
      await page.goto(log);

      // An inference with it; what was typed outlives a look elsewhere.
      await page.getByRole('link', { name: texts.run.infer }).click();
      await fill(texts.data.name, `applied ${locale}`);
      await page.goBack();
      await page.getByRole('link', { name: texts.run.infer }).click();
      await page.getByText(texts.submit.draft).waitFor();
      await page.getByText(texts.submit.onOnePage, { exact: true }).click();
      await fill(texts.request.command, 'sh infer.sh');
      await button(texts.submit.send).click();
      await page.getByText('a model is applied').waitFor();
      await page.getByText(texts.state.succeeded).first().waitFor();

      // The two are laid over each other, and side by side.
      const inference = page.url();
      await page.getByRole('link', { name: texts.nav.runs, exact: true }).click();
      for (const name of [`a small network ${locale}`, `applied ${locale}`]) await page.getByRole('checkbox', { name: new RegExp(name) }).check();
      await page.getByRole('link', { name: texts.compare.open, exact: true }).click();
      await page.getByRole('heading', { name: texts.compare.title, level: 1 }).waitFor();
      await loss.locator('canvas').waitFor();
      await page.getByText(texts.metrics.view.values, { exact: true }).click();
      const row = page.getByRole('row', { name: /train\/rate/ });
      await row.getByRole('img', { name: texts.metrics.differs }).waitFor();
      await row.getByRole('img', { name: texts.metrics.greatest }).waitFor();
      await page.getByRole('button', { name: texts.compare.remove.replace('{{name}}', `applied ${locale}`) }).click();
      await row.getByRole('img', { name: texts.metrics.differs }).waitFor({ state: 'detached' });

      // A metric becomes a column of the list.
      await page.getByRole('link', { name: texts.nav.runs, exact: true }).click();
      await button(texts.runs.columns).click();
      await page
        .getByRole('textbox', { name: texts.metrics.columns })
        .or(page.getByRole('combobox', { name: texts.metrics.columns }))
        .first()
        .fill('test/score');
      await page.keyboard.press('Enter');
      await page.getByRole('columnheader', { name: 'test/score' }).waitFor();
      await page
        .getByRole('row', { name: new RegExp(`a small network ${locale}`) })
        .getByText('0.54321')
        .waitFor();
      await page.goto(inference);

      // Its lineage leads back.
      await page.getByRole('tab', { name: texts.run.ancestry }).click();
      const figure = page.getByRole('figure');
      await figure.getByRole('link', { name: new RegExp(`a small network ${locale}`) }).waitFor();
      await figure.getByRole('link', { name: new RegExp(datasetName) }).click();
      await page.getByText(texts.datasets.lockedTitle).waitFor();
      expect(await page.getByRole('button', { name: texts.action.edit }).isDisabled()).toBe(true);

      // And everything is found by its name.
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder(texts.palette.placeholder).fill(`applied ${locale}`);
      await page.getByRole('button', { name: new RegExp(`applied ${locale}`) }).click();
      await page.getByRole('heading', { name: `applied ${locale}`, level: 1 }).waitFor();
      expect(complaints).toEqual([]);
      await page.close();
    },
    180_000,
  );

  it('has more to draw than a picture has points, and something to compare', async () => {
    const { page } = await journey().signIn('en-US', en);
    const noise = (step: number): number => Math.sin(step / 700) + (step % 997 === 0 ? 3 : Math.sin(step * 12.9) / 8);
    for (const run of ['training-1', 'inference-1']) {
      const points = Array.from({ length: 9_000 }, (_, step) => ({ name: 'gradient/norm', step, value: noise(step + run.length * 300) }));
      await append(page, run, points);
      const parameters = { optimizer: 'adam', 'learning rate': run === 'training-1' ? '0.001' : '0.0005' };
      await post(page, `runs/${run}/parameters`, { parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) });
    }
    await page.close();
  });

  it('shows every page without a serious fault, in both themes and on a narrow screen', async () => {
    const { page, complaints } = await journey().signIn('en-US', en);
    const faults: string[] = [];
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(`${journey().url}${address}`);
      if (DRAWS.has(name)) await page.locator('main canvas').first().waitFor();
      await untilLoaded(page);
      await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.en.light.png`) });
      faults.push(...(await seriousViolations(page, null)).map((fault) => `${name}: ${fault}`));
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.en.dark.png`) });
      faults.push(...(await seriousViolations(page, ['color-contrast'])).map((fault) => `${name}, dark: ${fault}`));
      await page.setViewportSize({ width: 360, height: 780 });
      // The navigation folds away first.
      await page
        .locator('body')
        .evaluate((body) =>
          Promise.all(
            (body as unknown as { getAnimations(options: object): { finished: Promise<unknown> }[] })
              .getAnimations({ subtree: true })
              .map(({ finished }) => finished),
          ).catch(() => null),
        );
      const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
      if (width > 360) faults.push(`${name}: ${width} px wide on a screen of 360`);
      await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.en.dark.360.png`), fullPage: true });
      await page.setViewportSize({ width: 1280, height: 860 });
      await page.emulateMedia({ colorScheme: 'light' });
    }
    expect(faults).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  }, 240_000);

  it('shows every page in Japanese', async () => {
    const { page, complaints } = await journey().signIn('ja-JP', ja);
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(`${journey().url}${address}`);
      if (DRAWS.has(name)) await page.locator('main canvas').first().waitFor();
      await untilLoaded(page);
      // A key instead of a text is a text that is missing.
      expect(await page.locator('main').innerText(), name).not.toMatch(/\b(?:data|datasets|submit|admin|runs|home|upload)\.[a-z]+\b(?!\.)/i);
      await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.ja.light.png`) });
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.ja.dark.png`) });
      await page.emulateMedia({ colorScheme: 'light' });
    }
    expect(complaints).toEqual([]);
    await page.close();
  }, 240_000);

  it('finds its way through 10,000 metrics, of which it draws and asks for those in view', async () => {
    const { page, complaints } = await journey().signIn('en-US', en);
    for (const run of ['training-1', 'inference-1']) {
      const points = Array.from({ length: 9_900 }, (_, index) => ({ name: `layer${index % 40}/weight ${index}`, step: 1, value: index * run.length }));
      await append(page, run, points);
    }
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/charts?')) asked.push(new URL(request.url()).searchParams.get('name') ?? '');
    });
    const tile = (name: string) => page.getByRole('region', { name, exact: true });
    await page.goto(`${journey().url}${TENANT}/runs/inference-1?tab=metrics`);
    await tile('accuracy').locator('canvas').waitFor();
    const search = page.getByLabel(en.metrics.search);
    await search.fill('weight 7777');
    await tile('layer17/weight 7777').locator('canvas').waitFor();
    await search.fill('layer39/');
    await tile('layer39/weight 1039').locator('canvas').waitFor();
    await search.fill('');
    await tile('accuracy').locator('canvas').waitFor();
    // A group that is closed makes room for the next.
    await page.getByRole('button', { name: /^layer0 / }).click();
    await tile('layer1/weight 1').locator('canvas').waitFor();
    expect(await page.locator('main canvas').count()).toBeLessThan(40);
    expect(new Set(asked).size).toBeLessThan(120);

    await page.goto(`${journey().url}${TENANT}/compare?runs=training-1,inference-1&view=values`);
    await page.getByRole('row', { name: /^accuracy/ }).waitFor();
    await page.getByLabel(en.metrics.search).fill('weight 9899');
    const row = page.getByRole('row', { name: /weight 9899/ });
    await row.getByRole('img', { name: en.metrics.differs }).waitFor();
    await row.getByRole('img', { name: en.metrics.greatest }).waitFor();
    await page.getByLabel(en.metrics.search).fill('');
    await page.getByRole('row', { name: /^accuracy/ }).waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(80);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);
});

/** A falling loss with a gap, a rising accuracy, and a line that cannot be read. */
const writeMetrics = (rate: number): string => `
seq 1 20 | awk -v rate=${rate} '{ if ($1 == 7) loss = "NaN"; else loss = 1 / $1;
  printf "{\\"step\\": %d, \\"train/loss\\": %s, \\"train/rate\\": %g, \\"val/loss\\": %g, \\"accuracy\\": %g}\\n", $1, loss, rate / $1, 1.2 / $1 + 0.1, 1 - 0.8 / $1 }' > /kqi/output/metrics.jsonl
echo 'epoch 21 of 20' >> /kqi/output/metrics.jsonl
`;

/** As a program does it, beside the page and with its session. */
async function post(page: Page, below: string, data: unknown): Promise<void> {
  const { origin } = new URL(page.url());
  const answer = await page.request.post(`${origin}/v1${TENANT}/${below}`, { data, headers: { origin } });
  if (!answer.ok()) throw new Error(`${answer.status()} ${await answer.text()}`);
}

const append = (page: Page, run: string, points: readonly { readonly name: string; readonly step: number; readonly value: number }[]): Promise<void> =>
  post(page, `runs/${run}/metrics`, { points });

const PAGES: Readonly<Record<string, string>> = {
  home: TENANT,
  'data-list': `${TENANT}/data`,
  upload: `${TENANT}/data?upload=true`,
  data: `${TENANT}/data/1`,
  'data-lineage': `${TENANT}/data/1?tab=lineage`,
  'dataset-list': `${TENANT}/datasets`,
  'dataset-new': `${TENANT}/datasets/new`,
  dataset: `${TENANT}/datasets/1`,
  runs: `${TENANT}/runs`,
  'run-log': `${TENANT}/runs/training-1`,
  'run-metrics': `${TENANT}/runs/training-1?tab=metrics`,
  compare: `${TENANT}/compare?runs=training-1,inference-1`,
  'compare-values': `${TENANT}/compare?runs=training-1,inference-1&view=values`,
  'compare-parameters': `${TENANT}/compare?runs=training-1,inference-1&view=parameters`,
  'run-lineage': `${TENANT}/runs/inference-1?tab=ancestry`,
  'run-request': `${TENANT}/runs/inference-1?tab=request`,
  'submit-training': `${TENANT}/runs/new/training`,
  'submit-again': `${TENANT}/runs/new/training?from=training-1`,
  'submit-task': `${TENANT}/runs/new/task`,
  members: `${TENANT}/administration`,
  tokens: `${TENANT}/administration?section=tokens`,
  credentials: `${TENANT}/administration?section=credentials`,
  'git-sign-in': `${TENANT}/administration?section=gitCredentials`,
  nodes: `${TENANT}/administration?section=nodes`,
  git: `${TENANT}/administration?section=git`,
  registries: `${TENANT}/administration?section=registries`,
  tenants: `${TENANT}/administration?section=tenants`,
  users: `${TENANT}/administration?section=users`,
  'not-found': `${TENANT}/data/999999`,
};

/** Those whose charts are fetched when the page is there. */
const DRAWS: ReadonlySet<string> = new Set(['run-metrics', 'compare']);

/** As a hand does it: down, a little way, over, up. */
async function drag(page: Page, from: ReturnType<Page['getByText']>, to: ReturnType<Page['getByText']>): Promise<void> {
  const start = await from.boundingBox();
  const end = await to.boundingBox();
  if (start === null || end === null) throw new Error('nothing to drag');
  await page.mouse.move(start.x + 10, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move(start.x + 30, start.y + start.height / 2 + 10, { steps: 4 });
  await page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 8 });
  await page.mouse.up();
}
