import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttemptId } from '@sodate/contract/ids.ts';
import { newId } from '#kit/ids.ts';
import { attemptFolder, hasStarted, makeFolder, putPlan, readExit, readNote, readStarted, removeFolder, takeAsStopped } from './attempt-folder.ts';

const facts = { program: 'true', memoryBytes: 1 };

describe('the folder of an attempt', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'sodate-attempt-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const prepared = async () => {
    const folder = attemptFolder(home, AttemptId.parse(newId()));
    makeFolder(folder);
    await putPlan(folder, 'this-boot', facts, (plan) => {
      mkdirSync(join(plan, 'inside'));
      writeFileSync(join(plan, 'inside/environment.sh'), "command export A='b'\n");
    });
    return folder;
  };

  it('has the plan of whoever was first', async () => {
    const folder = await prepared();
    await putPlan(folder, 'another-boot', facts, () => {});
    expect(readExit(folder)?.record).toEqual({ kind: 'prepared', boot: 'this-boot' });
    expect(readdirSync(folder.path)).toEqual(['plan']);
    await expect(
      putPlan(folder, 'another-boot', facts, () => {
        throw new Error('no room');
      }),
    ).rejects.toThrow('no room');
    expect(readdirSync(folder.path)).toEqual(['plan']);
  });

  it('is taken once', async () => {
    const folder = await prepared();
    expect(readStarted(folder)).toBeNull();
    expect(takeAsStopped(folder, 'SIGTERM')).toBe(true);
    expect(takeAsStopped(folder, 'SIGKILL')).toBe(false);
    expect(readStarted(folder)).toMatchObject({ stoppedBy: 'SIGTERM', monitor: null });
    expect(makeFolder(folder)).toBe(false);
  });

  it('goes as a whole, whatever else lies in it, and what its links lead to stays', async () => {
    const folder = await prepared();
    const elsewhere = join(home, 'elsewhere');
    mkdirSync(join(elsewhere, 'deep'), { recursive: true });
    writeFileSync(join(elsewhere, 'deep/kept'), 'kept');
    takeAsStopped(folder, 'SIGTERM');
    for (const name of ['note', 'lock']) writeFileSync(join(folder.path, name), '');
    mkdirSync(join(folder.path, 'plan-cut-off/inside'), { recursive: true });
    mkdirSync(join(folder.plan, 'root/kqi'), { recursive: true });
    for (let at = 0; at < 50; at += 1) writeFileSync(join(folder.plan, `root/kqi/${at}`), '');
    symlinkSync(elsewhere, join(folder.plan, 'root/kqi/output'));
    symlinkSync(elsewhere, join(folder.path, 'link'));

    await removeFolder(folder);
    expect(existsSync(folder.path)).toBe(false);
    expect(await readFile(join(elsewhere, 'deep/kept'), 'utf8')).toBe('kept');
    await removeFolder(folder);
  });

  it('has been taken as long as anything of it is there', async () => {
    const folder = await prepared();
    takeAsStopped(folder, 'SIGTERM');
    mkdirSync(join(folder.plan, 'root'));
    for (let at = 0; at < 500; at += 1) writeFileSync(join(folder.plan, `root/${at}`), '');
    const removing = removeFolder(folder);
    expect(existsSync(folder.plan)).toBe(true);
    while (existsSync(folder.plan)) {
      expect(hasStarted(folder)).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await removing;
    expect(existsSync(folder.path)).toBe(false);
  });

  it('tells of a note no more than its beginning, without the blank that the monitor had reserved', async () => {
    const folder = await prepared();
    expect(readNote(folder)).toBe('');
    writeFileSync(join(folder.path, 'note'), `began\nended\n${' '.repeat(1000)}\n`);
    expect(readNote(folder)).toBe('began\nended\n');
    writeFileSync(join(folder.path, 'note'), 'x'.repeat(200_000));
    expect(readNote(folder).length).toBe(65_536);
    expect((await stat(join(folder.path, 'note'))).size).toBe(200_000);
  });
});
