import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { createData } from '@sodate/contract/data.ts';
import { createDataset } from '@sodate/contract/datasets.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import type { Locator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import en from '../web/kit/i18n/en.json' with { type: 'json' };
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };
import { CHROMIUM, PICTURES, seriousViolations, WITHOUT_CHROMIUM } from './browser.ts';
import { signInAsAdmin } from './test-home.ts';
import { until } from './until.ts';
import { TENANT, useWebJourney } from './web-journey.ts';

/* Lists are searched and sorted, searches kept, files looked into; on the real server and under its content policy, in both languages. */

describe.skipIf(CHROMIUM === undefined)(`finding things in the browser${WITHOUT_CHROMIUM}`, () => {
  const journey = useWebJourney();
  const held: { written?: string } = {};
  beforeAll(async () => makeThings(await signInAsAdmin(journey().url)));

  it.each([
    ['en-US', en],
    ['ja-JP', ja],
  ] as const)(
    'completes conditions, says where one is wrong, sorts, and keeps searches (%s)',
    async (locale, texts) => {
      const { page, complaints, go } = await journey().signIn(locale, texts);
      const field = page.getByRole('combobox', { name: texts.search.field, exact: true });
      const names = (): Promise<readonly string[]> => page.getByRole('table').getByRole('link').allInnerTexts();
      const query = (name: string): string | null => new URL(page.url()).searchParams.get(name);

      // Words are searched as they are typed, and the field keeps the focus.
      await go('/data');
      await field.pressSequentially('alpha');
      await page.getByRole('link', { name: 'beta data' }).waitFor({ state: 'detached' });
      expect(await names()).toEqual(['alpha data']);
      await expect.poll(() => query('search')).toBe('alpha');
      expect(await field.evaluate((input) => input === (input as unknown as { ownerDocument: { activeElement: unknown } }).ownerDocument.activeElement)).toBe(
        true,
      );
      await page.getByRole('button', { name: texts.search.clear }).click();
      await page.getByRole('link', { name: 'beta data' }).waitFor();

      // A condition by the keyboard alone: field, operator, value.
      await field.fill('ta');
      await page.getByRole('option', { name: 'tag' }).first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('option', { name: ':' }).first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('option', { name: 'two words' }).waitFor();
      await page.screenshot({ path: path.join(PICTURES, `search-completion.${locale.slice(0, 2)}.png`) });
      await page.keyboard.type('two');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'alpha data' }).waitFor({ state: 'detached' });
      expect(await names()).toEqual(['beta data']);
      expect(query('search')).toBe('tag:"two words"');

      // The address holds it: another visit sees the same.
      await page.reload();
      await page.getByRole('link', { name: 'beta data' }).waitFor();
      expect(await field.inputValue()).toBe('tag:"two words"');
      expect(await names()).toEqual(['beta data']);

      // What is wrong is marked where it is, and what was typed stays.
      await field.fill('beta size>large');
      await field.press('Enter');
      const alert = page.getByRole('alert').filter({ hasText: texts.search.notUnderstood });
      await alert.waitFor();
      expect(await alert.locator('mark').innerText()).toBe('large');
      expect(await field.inputValue()).toBe('beta size>large');
      await page.screenshot({ path: path.join(PICTURES, `search-wrong.${locale.slice(0, 2)}.png`) });
      expect(await seriousViolations(page, null)).toEqual([]);

      // Sorted by a column's head, either way.
      await page.getByRole('button', { name: texts.search.clear }).click();
      await page.getByRole('link', { name: 'alpha data' }).waitFor();
      const head = page.getByRole('columnheader', { name: texts.data.name });
      await head.getByRole('button').click();
      await page.waitForURL(/sort=name/);
      expect(await head.getAttribute('aria-sort')).toBe('ascending');
      await expect.poll(names).toEqual(['alpha data', 'beta data', 'gamma data']);
      await head.getByRole('button').click();
      await expect.poll(names).toEqual(['gamma data', 'beta data', 'alpha data']);

      // Data sets.
      await go('/datasets');
      await field.fill('entries>1');
      await field.press('Enter');
      await page.getByRole('link', { name: 'a small set' }).waitFor({ state: 'detached' });
      expect(await names()).toEqual(['a large set']);

      // Runs: what narrows the list beside the field is saved with it.
      await go('/runs?state=%5B%22queued%22%5D&sort=name');
      await field.fill('third');
      await page.getByRole('link', { name: 'the first task' }).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page.getByText(texts.search.noneSaved).waitFor();
      await page.getByRole('button', { name: texts.search.save }).click();
      const dialog = page.getByRole('dialog', { name: texts.search.save });
      await dialog.getByLabel(texts.data.name).fill(`mine ${locale}`);
      await dialog.getByLabel(texts.search.share).check();
      expect(await seriousViolations(page, null)).toEqual([]);
      await dialog.getByRole('button', { name: texts.action.save }).click();
      await dialog.waitFor({ state: 'detached' });
      await go('/runs');
      await page.getByRole('link', { name: 'the first task' }).waitFor();
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page.screenshot({ path: path.join(PICTURES, `search-saved.${locale.slice(0, 2)}.png`) });
      await page
        .getByRole('button', { name: `mine ${locale}` })
        .first()
        .click();
      await page.getByRole('link', { name: 'the first task' }).waitFor({ state: 'detached' });
      expect(await field.inputValue()).toBe('third state:queued');
      expect(query('sort')).toBe('name');
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page.getByRole('button', { name: `${texts.action.delete} mine ${locale}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: texts.action.delete, exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page.getByText(texts.search.noneSaved).waitFor();
      await page.keyboard.press('Escape');

      // A narrow screen in the dark.
      await page.setViewportSize({ width: 360, height: 780 });
      await page.emulateMedia({ colorScheme: 'dark' });
      await field.click();
      await page.getByRole('listbox').waitFor();
      await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      expect(await seriousViolations(page, null)).toEqual([]);
      await page.screenshot({ path: path.join(PICTURES, `search-narrow.${locale.slice(0, 2)}.png`) });
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );

  it.each([
    ['en-US', en],
    ['ja-JP', ja],
  ] as const)(
    'looks into the files that a job wrote, and finds them by name (%s)',
    async (locale, texts) => {
      const run = await written();
      const { page, complaints, go } = await journey().signIn(locale, texts);
      const dialog = page.getByRole('dialog');
      const look = async (name: string): Promise<void> => {
        await page.getByRole('button', { name, exact: true }).click();
        await dialog.getByText(name).first().waitFor();
      };
      await go(`/runs/${run}?tab=outputs`);
      const bottomOf = async (found: Locator): Promise<number> => found.boundingBox().then((box) => (box?.y ?? Number.NaN) + (box?.height ?? Number.NaN));
      const field = await bottomOf(page.getByRole('searchbox', { name: texts.outputs.search }));
      expect((await bottomOf(page.getByRole('navigation', { name: texts.outputs.path }))) - field, 'no gap below the field').toBeLessThan(60);
      await look('dot.png');
      const picture = dialog.getByRole('img', { name: 'dot.png' });
      await picture.waitFor();
      expect(await picture.getAttribute('src')).toMatch(/^data:image\/png;base64,/);
      expect(await picture.evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode().then(() => true))).toBe(true);
      await dialog.getByText('1 × 1').waitFor();

      // By the arrows from file to file: a page of a job is in a frame of its own host, or text.
      await page.keyboard.press('ArrowRight');
      expect(await dialog.locator('iframe').getAttribute('src')).toMatch(/^http:\/\/[a-z2-7]{26}\.run\.localhost:/);
      await dialog.getByText(texts.preview.asText, { exact: true }).click();
      await dialog.getByText('<script>alert(1)</script>').waitFor();
      await dialog.getByRole('button', { name: texts.preview.next }).click();
      await dialog.getByRole('columnheader', { name: 'loss' }).waitFor();
      await page.screenshot({ path: path.join(PICTURES, `preview-table.${locale.slice(0, 2)}.png`) });
      expect(await seriousViolations(page, null)).toEqual([]);
      await page.keyboard.press('ArrowRight');
      await dialog.getByText(/7f\s?45\s?4c\s?46/).waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });

      // A folder of its own, and everything below by a part of the name.
      await page.getByRole('button', { name: 'checkpoints', exact: true }).click();
      await page.getByRole('button', { name: 'settings.json', exact: true }).waitFor();
      await page.getByRole('button', { name: texts.outputs.root, exact: true }).click();
      await page.getByRole('searchbox', { name: texts.outputs.search }).fill('SETTINGS');
      await look('checkpoints/settings.json');
      await dialog.getByText('"depth": 3').waitFor();
      const download = page.waitForEvent('download');
      await dialog.getByRole('link', { name: texts.action.download }).click();
      expect((await download).suggestedFilename()).toBe('settings.json');
      await page.keyboard.press('Escape');
      await page.getByRole('searchbox', { name: texts.outputs.search }).fill('no such file');
      await page.getByText(texts.outputs.noneFound).waitFor();
      await page.getByRole('searchbox', { name: texts.outputs.search }).fill('');

      // A note is put beside the run, looked at and taken away again.
      await page.getByRole('tab', { name: texts.run.attachments }).click();
      await page.getByText(texts.attachments.none).waitFor();
      await page.getByLabel(texts.attachments.choose).setInputFiles([{ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('seen and good') }]);
      await look('note.txt');
      await dialog.getByText('seen and good').waitFor();
      expect(await seriousViolations(page, null)).toEqual([]);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: `${texts.action.delete} note.txt` }).click();
      await dialog.getByRole('button', { name: texts.run.deleteConfirm }).click();
      await page.getByText(texts.attachments.none).waitFor();
      await page.getByRole('tab', { name: texts.run.outputs }).click();

      await page.setViewportSize({ width: 360, height: 780 });
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.getByRole('button', { name: 'checkpoints', exact: true }).waitFor();
      await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      expect(await seriousViolations(page, null)).toEqual([]);
      await page.screenshot({ path: path.join(PICTURES, `outputs-narrow.${locale.slice(0, 2)}.png`) });
      expect(complaints).toEqual([]);
      await page.close();
    },
    90_000,
  );

  /** A run that has written files of every kind; made once. */
  const written = async (): Promise<string> => {
    held.written ??= await writeFiles(await signInAsAdmin(journey().url));
    return held.written;
  };
});

async function writeFiles(client: Client): Promise<string> {
  const params = { tenant: TENANT };
  const image = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const command = [
    'cd "$SAKURA_ARTIFACT_DIR"',
    `echo ${image} | base64 -d > dot.png`,
    "echo '<script>alert(1)</script>' > index.html",
    String.raw`printf 'epoch,loss\n1,0.5\n' > losses.csv`,
    'head -c 64 /bin/sh > weights.bin',
    'mkdir checkpoints && echo \'{"depth":3}\' > checkpoints/settings.json',
  ].join('\n');
  const { id, kind, number } = await client.call(startTask, {
    params,
    body: { name: 'writes files', command, resources: { cpu: 0.1, memory: 100_000_000, gpus: 0 } },
  });
  await until('the job has written its files', async () => {
    const run = await client.call(getRun, { params: { ...params, run: id } });
    if (run.state === 'failed') throw new Error(JSON.stringify(run.failure));
    return run.state === 'succeeded' ? true : null;
  });
  return `${kind}-${number}`;
}

async function makeThings(client: Client): Promise<void> {
  const params = { tenant: TENANT };
  const data: string[] = [];
  for (const [name, tags] of Object.entries({ 'beta data': ['two words'], 'gamma data': [], 'alpha data': ['first'] })) {
    data.push((await client.call(createData, { params, body: { name, tags } })).id);
  }
  await client.call(createDataset, { params, body: { name: 'a large set', flatEntries: data } });
  await client.call(createDataset, { params, body: { name: 'a small set', flatEntries: data.slice(0, 1) } });
  // More GPUs than there are: these wait, for as long as the test goes on.
  const resources = { cpu: 0.1, memory: 100_000_000, gpus: 64 };
  for (const name of ['the first task', 'the second task', 'the third task'])
    await client.call(startTask, { params, body: { name, command: 'true', resources } });
}
