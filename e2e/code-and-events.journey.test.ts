import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { createData } from '@sodate/contract/data.ts';
import { createDataset } from '@sodate/contract/datasets.ts';
import { createGitEndpoint } from '@sodate/contract/git.ts';
import { setParameters, appendPoints } from '@sodate/contract/metrics.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { startTraining } from '@sodate/contract/training.ts';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provideSshGit, type SshGit, whySshGitCannot } from '../server/git/testing/provide-ssh-git.ts';
import en from '../web/kit/i18n/en.json' with { type: 'json' };
import gitEn from '../web/kit/i18n/git.en.json' with { type: 'json' };
import gitJa from '../web/kit/i18n/git.ja.json' with { type: 'json' };
import ja from '../web/kit/i18n/ja.json' with { type: 'json' };
import { CHROMIUM, PICTURES, seriousViolations, WITHOUT_CHROMIUM } from './browser.ts';
import { makeEventFile } from './event-file.ts';
import { signInAsAdmin } from './test-home.ts';
import { until } from './until.ts';
import { TENANT, useWebJourney } from './web-journey.ts';

const LANGUAGES = [
  ['en-US', en, gitEn],
  ['ja-JP', ja, gitJa],
] as const;
const WITHOUT_SSH = whySshGitCannot();

/* Where code comes from and what is signed in with there, against a real git server over SSH; what event files hold besides numbers; on the real server, in both languages. */

describe.skipIf(CHROMIUM === undefined)(`code and event files in the browser${WITHOUT_CHROMIUM}`, () => {
  const base = mkdtempSync(path.join(tmpdir(), 'sodate-code-'));
  const repositories = path.join(base, 'repositories');
  const journey = useWebJourney(() => {
    makeRepository(base);
    return { SODATE_GIT_ROOT: repositories };
  });
  const held: { ssh?: SshGit; runs?: readonly string[] } = {};
  beforeAll(async () => {
    if (WITHOUT_SSH === null) held.ssh = await provideSshGit(path.join(base, 'ssh'));
    held.runs = await makeRuns(await signInAsAdmin(journey().url), repositories);
  });
  afterAll(async () => {
    await held.ssh?.close();
    rmSync(base, { recursive: true, force: true });
  });

  const picture = async (page: Page, name: string): Promise<readonly string[]> => {
    await page.screenshot({ animations: 'disabled', path: path.join(PICTURES, `${name}.png`) });
    // What is wrong in one language is wrong in the other.
    if (/\.ja\b/.test(name)) return [];
    return (await seriousViolations(page, null)).map((fault) => `${name}: ${fault}`);
  };
  /** The same in the dark and on a narrow screen. */
  const pictures = async (page: Page, name: string): Promise<readonly string[]> => {
    const faults = [...(await picture(page, `${name}.light`))];
    await page.emulateMedia({ colorScheme: 'dark' });
    faults.push(...(await picture(page, `${name}.dark`)));
    await page.setViewportSize({ width: 360, height: 780 });
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth'), { message: name }).toBe(360);
    faults.push(...(await picture(page, `${name}.dark.360`)));
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light' });
    return faults;
  };

  it.skipIf(WITHOUT_SSH !== null).each(LANGUAGES)(
    `registers a git server by its host key, signs in there and forgets it again (%s)${WITHOUT_SSH === null ? '' : ` (skipped: ${WITHOUT_SSH})`}`,
    async (locale, texts, git) => {
      const { ssh } = held;
      if (ssh === undefined) throw new Error('The set-up has failed');
      const { page, complaints, go } = await journey().signIn(locale, texts);
      const faults: string[] = [];
      const short = locale.slice(0, 2);
      const name = `lab ${short}`;
      const dialog = page.getByRole('dialog');
      const within = (inside: Locator | Page, button: string) => inside.getByRole('button', { name: button, exact: true });
      const rowOf = (list: string) => page.getByRole('list', { name: list }).getByRole('listitem').filter({ hasText: name });

      // An address over SSH wants its keys, and somebody who has compared them.
      await go('/administration?section=git');
      await within(page, texts.admin.newEndpoint).click();
      await dialog.getByLabel(texts.data.name).fill(name);
      await dialog
        .getByRole('textbox', { name: git.kindLabel })
        .or(dialog.getByRole('combobox', { name: git.kindLabel }))
        .first()
        .click();
      await page.getByRole('option', { name: git.kind.plain }).click();
      await dialog.getByLabel(git.url).fill('git@git.example:team');
      await dialog.getByText(git.urlForm).waitFor();
      await dialog.getByLabel(git.url).fill(`${ssh.url}${path.join(base, 'served')}`);
      expect(await within(dialog, texts.action.create).isDisabled()).toBe(true);
      await within(dialog, git.askNow).click();
      await dialog.getByText(fingerprintOf(ssh.hostKey())).waitFor();
      expect(await within(dialog, texts.action.create).isDisabled()).toBe(true);
      faults.push(...(await pictures(page, `git-new.${short}`)));
      await dialog.getByLabel(git.compared).check();
      await within(dialog, texts.action.create).click();
      await dialog.waitFor({ state: 'detached' });
      await rowOf(texts.admin.section.git).getByText(fingerprintOf(ssh.hostKey())).waitFor();
      faults.push(...(await pictures(page, `git-endpoints.${short}`)));

      // Tried: it lists nothing, and shows nothing without a sign-in, which is set on the spot.
      await within(rowOf(texts.admin.section.git), git.try).click();
      await dialog.getByText(git.withoutList).waitFor();
      await dialog.getByLabel(git.tryRepository).fill('model.git');
      await within(dialog, git.readBranches).click();
      await within(dialog, git.offer).waitFor();
      faults.push(...(await picture(page, `git-try.${short}`)));
      await within(dialog, git.offer).click();
      await dialog.getByLabel(git.privateKey).fill('ssh-ed25519 AAAA anna@lab');
      await dialog.getByText(git.privateKeyForm).waitFor();
      expect(await within(dialog, texts.action.save).isDisabled()).toBe(true);
      await page.locator('input[type=file]').setInputFiles([{ name: 'id_ed25519', mimeType: 'text/plain', buffer: Buffer.from(ssh.privateKey) }]);
      await expect.poll(() => dialog.getByLabel(git.privateKey).inputValue()).toBe(ssh.privateKey);
      faults.push(...(await pictures(page, `git-sign-in.${short}`)));
      await within(dialog, texts.action.save).click();
      // Back where it was, with what was typed.
      expect(await dialog.getByLabel(git.tryRepository).inputValue()).toBe('model.git');
      await within(dialog, git.readBranches).click();
      await dialog.getByText(git.branches.replace('{{repository}}', 'model.git').replace('{{amount}}', '1')).waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });

      // What is set is shown without what it is, taken over by the tenant, replaced and forgotten.
      await page.getByRole('button', { name: new RegExp(`^${texts.frame.account}`) }).click();
      await page.getByRole('menuitem', { name: texts.admin.section.gitCredentials }).click();
      await page.waitForURL(/section=gitCredentials/);
      await rowOf(git.mine).getByText(git.holds['ssh-key']).waitFor();
      await within(rowOf(git.ofTenant), git.set).click();
      await dialog.getByLabel(git.privateKey).fill(ssh.strangersKey);
      await within(dialog, texts.action.save).click();
      await dialog.waitFor({ state: 'detached' });
      await rowOf(git.ofTenant).getByText(git.holds['ssh-key']).waitFor();
      faults.push(...(await pictures(page, `git-credentials.${short}`)));
      expect(await page.content()).not.toContain('BEGIN OPENSSH');
      await within(rowOf(git.mine), git.replace).click();
      await dialog.getByText(git.replacesAll).waitFor();
      await within(dialog, texts.action.cancel).click();
      await within(rowOf(git.mine), git.forget).click();
      await within(dialog, git.forget).click();
      await rowOf(git.mine).getByText(git.nothingSetMine).waitFor();

      // The server gets another key: nothing goes there until somebody says that it is right.
      await ssh.changeHostKey();
      await within(rowOf(git.mine), git.try).click();
      await dialog.getByLabel(git.tryRepository).fill('model.git');
      await within(dialog, git.readBranches).click();
      await dialog.getByText('git-host-key-changed').waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await go('/administration?section=git');
      await within(rowOf(texts.admin.section.git), texts.action.edit).click();
      await within(dialog, git.otherKeys).click();
      await within(dialog, git.askNow).click();
      await dialog.getByText(fingerprintOf(ssh.hostKey())).waitFor();
      expect(await dialog.getByText(git.known, { exact: true }).count(), 'no key is the one that was known').toBe(0);
      await dialog.getByLabel(git.compared).check();
      await within(dialog, texts.action.save).click();
      await dialog.waitFor({ state: 'detached' });
      await rowOf(texts.admin.section.git).getByText(fingerprintOf(ssh.hostKey())).waitFor();

      // One that a run has used stays, and the run is named; this one goes.
      const local = page.getByRole('list', { name: texts.admin.section.git }).getByRole('listitem').filter({ hasText: 'repositories' });
      await within(local, texts.action.delete).click();
      await within(dialog, texts.run.deleteConfirm).click();
      await dialog.getByRole('listitem').getByText('training-1').waitFor();
      faults.push(...(await picture(page, `git-in-use.${short}`)));
      await within(dialog, texts.action.cancel).click();
      await dialog.waitFor({ state: 'detached' });
      await within(rowOf(texts.admin.section.git), texts.action.delete).click();
      await within(dialog, texts.run.deleteConfirm).click();
      await rowOf(texts.admin.section.git).waitFor({ state: 'detached' });
      expect(faults).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );

  it.each(LANGUAGES)(
    'shows histograms, pictures and texts of event files, step by step (%s)',
    async (locale, texts) => {
      const { page, complaints, go } = await journey().signIn(locale, texts);
      const [first = '', second = ''] = held.runs ?? [];
      const short = locale.slice(0, 2);
      const faults: string[] = [];
      await go(`/runs/${first}?tab=metrics`);
      await page.getByText(texts.metrics.view.histograms, { exact: true }).click();
      const weights = page.getByRole('region', { name: 'layer1/weights', exact: true });
      await weights.getByRole('img', { name: /layer1\/weights/ }).waitFor();
      expect(await weights.locator('svg path').count()).toBe(24);
      await page.getByLabel(texts.metrics.search).fill('layer1');
      await page.getByRole('region', { name: 'layer2/bias', exact: true }).waitFor({ state: 'detached' });
      await page.getByLabel(texts.metrics.search).fill('');
      await page.getByRole('region', { name: 'layer2/bias', exact: true }).waitFor();
      faults.push(...(await pictures(page, `events-histograms.${short}`)));

      // Pictures: the newest, then by the keyboard step by step.
      await page.getByText(texts.metrics.view.images, { exact: true }).click();
      const digits = page.getByRole('region', { name: 'samples/digits', exact: true });
      const shown = digits.getByRole('img');
      await shown.waitFor();
      expect(await shown.evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode().then(() => true))).toBe(true);
      expect(await shown.getAttribute('src')).toMatch(/^blob:/);
      const newest = await shown.getAttribute('alt');
      expect(newest).toContain(new Intl.NumberFormat(locale).format(1_800));
      await digits.getByRole('slider').focus();
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowLeft');
      await expect.poll(() => shown.getAttribute('alt')).toContain('600');
      faults.push(...(await pictures(page, `events-images.${short}`)));
      await digits.getByRole('button', { name: /samples\/digits/ }).click();
      await expect.poll(() => shown.getAttribute('alt')).toBe(newest);
      // What begins as no picture is not even listed as one.
      expect(await page.getByRole('region', { name: 'samples/not a picture' }).count()).toBe(0);

      await page.getByText(texts.metrics.view.texts, { exact: true }).click();
      await page.getByText('<script>alert(1600)</script>').waitFor();
      faults.push(...(await pictures(page, `events-texts.${short}`)));

      // Of two runs, one above the other.
      await go(`/compare?runs=${first},${second}&view=images`);
      await digits.getByRole('img').nth(1).waitFor();
      await go(`/compare?runs=${first},${second}&view=histograms`);
      await weights.getByRole('img').nth(1).waitFor();
      faults.push(...(await pictures(page, `events-compare.${short}`)));
      expect(faults).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );

  it.each(LANGUAGES)(
    'completes names of metrics, keeps columns with a search, says what is wrong with one, and fetches several things as one (%s)',
    async (locale, texts) => {
      const { page, complaints, go } = await journey().signIn(locale, texts);
      const short = locale.slice(0, 2);
      const field = page.getByRole('combobox', { name: texts.search.field, exact: true });
      const dialog = page.getByRole('dialog');
      await go('/runs');
      await field.pressSequentially('metric.va');
      await page.getByRole('option', { name: 'val loss' }).click();
      await expect.poll(() => field.inputValue()).toBe('metric."val loss"');
      await page.getByRole('option', { name: '<' }).first().waitFor();
      await page.screenshot({ path: path.join(PICTURES, `search-metric-names.${short}.png`) });
      await field.pressSequentially('<0.3');
      await field.press('Enter');
      await page.waitForURL(/search=metric/);
      await page.getByRole('link', { name: 'the second run' }).waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'the first run' }).waitFor();

      // The columns of now are saved with it, and come back with it.
      await page.getByRole('button', { name: texts.runs.columns }).click();
      await page.getByRole('checkbox', { name: texts.runs.column.node }).check();
      await page.keyboard.press('Escape');
      await page.getByRole('columnheader', { name: texts.runs.column.node }).waitFor();
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page.getByRole('button', { name: texts.search.save }).click();
      await dialog.getByLabel(texts.data.name).fill(`with columns ${short}`);
      await dialog.getByText(/name, state, .*node/).waitFor();
      await dialog.getByRole('button', { name: texts.action.save }).click();
      await dialog.waitFor({ state: 'detached' });
      await go('/runs');
      await page.getByRole('button', { name: texts.runs.columns }).click();
      await page.getByRole('checkbox', { name: texts.runs.column.node }).uncheck();
      await page.keyboard.press('Escape');
      await page.getByRole('columnheader', { name: texts.runs.column.node }).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: texts.search.saved }).click();
      await page
        .getByRole('button', { name: `with columns ${short}` })
        .first()
        .click();
      await page.getByRole('columnheader', { name: texts.runs.column.node }).waitFor();
      expect(await field.inputValue()).toBe('metric."val loss"<0.3');

      // What is wrong is said in the reader's language.
      await field.fill('state:nonsense');
      await field.press('Enter');
      const alert = page.getByRole('alert').filter({ hasText: texts.search.notUnderstood });
      await alert.getByText(locale === 'ja-JP' ? 'のいずれかを指定します' : 'state takes one of').waitFor();
      await page.screenshot({ path: path.join(PICTURES, `search-problem.${short}.png`) });
      expect(await seriousViolations(page, null)).toEqual([]);

      // Several things as one file.
      await go('/runs');
      for (const name of ['the first run', 'the second run']) await page.getByRole('checkbox', { name: new RegExp(name) }).check();
      const [outputs] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: texts.runs.downloadOutputs }).click()]);
      expect(outputs.suggestedFilename()).toMatch(/^task-\d+-task-\d+\.zip$/);
      await go('/data');
      for (const name of ['zero', 'one']) await page.getByRole('checkbox', { name: new RegExp(name) }).check();
      await page.screenshot({ path: path.join(PICTURES, `data-selection.${short}.png`) });
      const [data] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('region', { name: texts.data.selection }).getByRole('link', { name: texts.action.download }).click(),
      ]);
      expect(data.suggestedFilename()).toMatch(/^data-\d-\d\.zip$/);
      expect(complaints).toEqual([]);
      await page.close();
    },
    90_000,
  );
});

/** As `ssh` writes it. */
const fingerprintOf = (key: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(key.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;

function makeRepository(base: string): void {
  const folder = path.join(base, 'repositories', 'digits');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'train.sh'), 'echo trained\n');
  const git = (cwd: string, ...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', '-c', 'init.defaultBranch=main', ...args], { cwd });
  git(folder, 'init', '--quiet');
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', 'Train');
  mkdirSync(path.join(base, 'served'));
  git(base, 'clone', '--quiet', '--bare', folder, path.join(base, 'served', 'model.git'));
}

/** Two runs that wrote event files and numbers, and a training that has used the local endpoint. @returns what the two are called */
async function makeRuns(client: Client, root: string): Promise<readonly string[]> {
  const params = { tenant: TENANT };
  const resources = { cpu: 0.1, memory: 100_000_000, gpus: 0 };
  await client.call(createGitEndpoint, { body: { name: 'here', kind: 'local', root } });
  const data = [];
  for (const name of ['zero', 'one']) data.push((await client.call(createData, { params, body: { name } })).id);
  const dataset = await client.call(createDataset, { params, body: { name: 'both', flatEntries: data } });
  await client.call(startTraining, { params, body: { name: 'used it', command: 'true', dataset: dataset.id, git: { repository: 'digits' }, resources } });
  const command = `echo ${makeEventFile().toString('base64')} | base64 -d > "$SAKURA_ARTIFACT_DIR/events.out.tfevents.1.test"`;
  const names: string[] = [];
  for (const [index, name] of ['the first run', 'the second run'].entries()) {
    const { id, kind, number } = await client.call(startTask, { params, body: { name, command, resources } });
    await until(`${name} has ended`, async () => {
      const run = await client.call(getRun, { params: { ...params, run: id } });
      if (run.state === 'failed') throw new Error(JSON.stringify(run.failure));
      return run.state === 'succeeded' ? true : null;
    });
    await client.call(appendPoints, { params: { ...params, run: id }, body: { points: [{ name: 'val loss', step: 1, value: 0.25 + index / 2 }] } });
    await client.call(setParameters, { params: { ...params, run: id }, body: { parameters: [{ name: 'lr', value: '0.1' }] } });
    names.push(`${kind}-${number}`);
  }
  return names;
}
