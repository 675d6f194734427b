import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { createData } from '@sodate/contract/data.ts';
import { appendPoints } from '@sodate/contract/metrics.ts';
import { getRun, stopRun } from '@sodate/contract/run-routes.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { startTask, type TaskRequest } from '@sodate/contract/tasks.ts';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };
import { CHROMIUM, PICTURES, seriousViolations, WITHOUT_CHROMIUM } from './browser.ts';
import { signInAsAdmin } from './test-home.ts';
import { until } from './until.ts';
import { type SignedIn, TENANT, useWebJourney } from './web-journey.ts';

/* What the server says, read by somebody who reads Japanese: how runs went, why they failed or wait, what refuses a deletion. */

describe.skipIf(CHROMIUM === undefined)(`what the server says, in Japanese${WITHOUT_CHROMIUM}`, () => {
  const journey = useWebJourney();
  const held: { opened?: SignedIn } = {};
  beforeAll(async () => {
    await makeThings(await signInAsAdmin(journey().url));
    held.opened = await journey().signIn('ja-JP', ja);
  });

  const go = async (to: string): Promise<Page> => {
    if (held.opened === undefined) throw new Error('The set-up has failed');
    await held.opened.go(to);
    return held.opened.page;
  };
  const picture = async (page: Page, name: string): Promise<void> => {
    await page.screenshot({ path: path.join(PICTURES, `${name}.ja.png`), fullPage: true });
    expect(await seriousViolations(page, null)).toEqual([]);
    expect(held.opened?.complaints).toEqual([]);
  };

  it.each([
    ['task-1', 'failed', [/で開始$/, '終了コード 3', 'コマンドが終了コード 3 で終了しました。'], 'コマンドが終了コード 3 で終了しました。'],
    ['task-2', 'not-found', ['コマンド "no-such-command" が見つかりませんでした。'], 'コマンド "no-such-command" が見つかりませんでした。'],
    ['task-3', 'stopped', ['停止が要求されました', /^シグナル SIG/], null],
    ['task-4', 'time-limit', ['制限時間 1 秒に達しました', '制限時間に達したため、実行を終了しました。'], '制限時間に達したため、実行を終了しました。'],
  ] as const)('the timeline of %s (%s)', async (run, name, notes, failure) => {
    const page = await go(`/runs/${run}?tab=timeline`);
    const timeline = page.locator('.mantine-Timeline-root');
    for (const note of ['投入されました', '実行先のノードが決まりました', ...notes]) await timeline.getByText(note).first().waitFor();
    if (failure !== null) await page.getByRole('alert').getByText(failure).waitFor();
    const said = (await timeline.innerText()).split('\n');
    expect(said.filter((line) => /^[a-z ]+$/i.test(line))).toEqual([]);
    await picture(page, `server-texts-${name}`);
  });

  it('a run that waits, with the warning of its submission', async () => {
    const page = await go('/runs/task-5');
    await page.getByText('この要求を満たす大きさのノードが現在ありません。加わるまで待ち続けます。').waitFor();
    await page.getByText(ja.waiting['never-fits']).waitFor();
    await picture(page, 'server-texts-waiting');
  });

  it('what failed, at home', async () => {
    const page = await go('');
    await page.getByText(/コマンドが終了コード 3 で終了しました。/).waitFor();
    await picture(page, 'server-texts-home');
  });

  it('a refusal names what stands on the thing', async () => {
    const page = await go('/data/1');
    await page.getByRole('button', { name: ja.action.delete, exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: ja.run.deleteConfirm }).click();
    await dialog.getByText('データ #2「そこから作ったもの」が使用しているため、データ #1 は削除も変更もできません。').waitFor();
    await picture(page, 'server-texts-refusal');
  });

  it('what is not there', async () => {
    const page = await go('/runs/task-999');
    await page.getByText('実行 task-999 は見つかりません。').first().waitFor();
    await picture(page, 'server-texts-missing');
  });

  it('names of metrics of runs that are not shown are completed, and offered as columns', async () => {
    const page = await go('/runs?kind=training');
    await page.getByRole('combobox', { name: ja.search.field, exact: true }).pressSequentially('metric.usual');
    await page.getByRole('option', { name: 'val/unusual' }).waitFor();
    await picture(page, 'server-texts-names');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: ja.runs.columns }).click();
    await page.getByRole('combobox', { name: ja.metrics.columns }).fill('UNUSUAL');
    await page.getByRole('option', { name: 'val/unusual' }).waitFor();
  });
});

async function makeThings(client: Client): Promise<void> {
  const params = { tenant: TENANT };
  const start = async (body: Pick<z.input<typeof TaskRequest>, 'name' | 'command' | 'timeLimitSeconds'>, cpu = 0.1): Promise<string> =>
    (await client.call(startTask, { params, body: { ...body, resources: { cpu, memory: 100_000_000, gpus: 0 } } })).id;
  const reaches = (run: string, state: RunState): Promise<true> =>
    until(`a run is ${state}`, async () => (await client.call(getRun, { params: { ...params, run } })).state === state || null);
  const failed = await start({ name: 'ends with 3', command: 'exit 3' });
  const unknown = await start({ name: 'no such command', command: ['no-such-command'] });
  const stopped = await start({ name: 'is stopped', command: 'exec sleep 600' });
  const late = await start({ name: 'is too slow', command: 'exec sleep 600', timeLimitSeconds: 1 });
  await start({ name: 'never fits', command: 'true' }, 900);
  await reaches(stopped, 'running');
  await client.call(stopRun, { params: { ...params, run: stopped }, body: { graceSeconds: 0 } });
  await reaches(stopped, 'cancelled');
  for (const run of [failed, unknown, late]) await reaches(run, 'failed');
  await client.call(appendPoints, { params: { ...params, run: failed }, body: { points: [{ name: 'val/unusual', step: 1, value: 0.5 }] } });
  const { id } = await client.call(createData, { params, body: { name: '元になるもの' } });
  await client.call(createData, { params, body: { name: 'そこから作ったもの', parent: id } });
}
