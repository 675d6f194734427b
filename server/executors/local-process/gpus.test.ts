import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gpuDevices, parseGpus } from './gpus.ts';

it('reads what nvidia-smi says', () => {
  expect(parseGpus('GPU-5a1b, NVIDIA A100-SXM4-40GB, 40960\nGPU-77, NVIDIA GB10, [N/A]\n\nNo devices were found\n')).toEqual([
    { id: 'GPU-5a1b', model: 'NVIDIA A100-SXM4-40GB', memoryBytes: 40960 * 2 ** 20 },
    { id: 'GPU-77', model: 'NVIDIA GB10', memoryBytes: 0 },
  ]);
  expect(parseGpus('')).toEqual([]);
});

it('gives a job the device files of its own GPUs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-gpus-'));
  try {
    const [dev, driver] = [join(folder, 'dev'), join(folder, 'driver')];
    await mkdir(dev);
    for (const name of ['nvidia0', 'nvidia1', 'nvidiactl', 'nvidia-uvm', 'null']) await writeFile(join(dev, name), '');
    for (const minor of [0, 1]) {
      await mkdir(join(driver, `0000:0${minor}`), { recursive: true });
      await writeFile(join(driver, `0000:0${minor}`, 'information'), `Model: \t\t NVIDIA\nGPU UUID: \t GPU-${minor}\nDevice Minor: \t ${minor}\n`);
    }
    const names = async (ids: string[]) => (await gpuDevices(ids, dev, driver)).map((path) => path.slice(dev.length + 1)).sort();
    expect(await names(['GPU-1'])).toEqual(['nvidia-uvm', 'nvidia1', 'nvidiactl']);
    expect(await names(['MIG-x'])).toEqual(['nvidia-uvm', 'nvidia0', 'nvidia1', 'nvidiactl']);
    expect(await names([])).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
