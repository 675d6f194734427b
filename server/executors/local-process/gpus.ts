import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '#kit/clock.ts';
import type { InventoryNode } from '../executor.ts';

export type Gpu = InventoryNode['gpus'][number];

const QUERY = ['--query-gpu=uuid,name,memory.total', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 10_000;

/** Answers nothing where there is no NVIDIA driver, and does not try: even a program that is missing costs a fork. */
export const askNvidiaSmi = async (): Promise<string> => {
  if (!existsSync('/dev/nvidiactl')) return '';
  try {
    return (await promisify(execFile)('nvidia-smi', QUERY, { timeout: TIMEOUT_MS })).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** `GPU-5a…, NVIDIA A100-SXM4-40GB, 40960`; memory in MiB, or `[N/A]` where it is the machine's. */
export function parseGpus(csv: string): Gpu[] {
  return csv.split('\n').flatMap((line) => {
    const [id = '', ...rest] = line.split(',').map((field) => field.trim());
    const mebibytes = Number(rest.at(-1));
    const model = rest.slice(0, -1).join(', ');
    if (!/^(GPU|MIG)-/.test(id) || model === '') return [];
    return [{ id, model, memoryBytes: Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : 0 }];
  });
}

const ALWAYS_NEEDED = /^nvidia(ctl|-uvm|-uvm-tools|-modeset)$/;

/** Device files of these GPUs: their own where the driver tells which, otherwise those of all. */
export async function gpuDevices(ids: readonly string[], devFolder = '/dev', driverFolder = '/proc/driver/nvidia/gpus'): Promise<string[]> {
  if (ids.length === 0) return [];
  const names = (await readdir(devFolder).catch(() => [])).filter((name) => name.startsWith('nvidia'));
  const minorOf = new Map<string, string>();
  for (const bus of await readdir(driverFolder).catch(() => [])) {
    const text = await readFile(join(driverFolder, bus, 'information'), 'utf8').catch(() => '');
    const id = /^GPU UUID:\s*(\S+)/m.exec(text)?.[1];
    const minor = /^Device Minor:\s*(\d+)/m.exec(text)?.[1];
    if (id && minor) minorOf.set(id, minor);
  }
  const own = ids.every((id) => minorOf.has(id)) ? new Set(ids.map((id) => `nvidia${minorOf.get(id)}`)) : null;
  return names
    .filter((name) => ALWAYS_NEEDED.test(name) || name === 'nvidia-caps' || (/^nvidia\d+$/.test(name) && (own === null || own.has(name))))
    .map((name) => join(devFolder, name));
}

export function rememberFor<T>(ms: number, clock: Clock, ask: () => Promise<T>): () => Promise<T> {
  let remembered: { readonly answer: Promise<T>; readonly untilMs: number } | null = null;
  return () => {
    const nowMs = clock.now().getTime();
    if (remembered === null || nowMs >= remembered.untilMs) remembered = { answer: ask(), untilMs: nowMs + ms };
    return remembered.answer;
  };
}
