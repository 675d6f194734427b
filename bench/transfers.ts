import { type Bench, type BenchContext, scaled } from './bench.ts';
import { atLeast, explain, type Figure, rounded } from './figure.ts';
import { peakMemoryOf, resetPeakMemory } from './processes.ts';
import { createData, listDataFiles } from '@sodate/contract/data.ts';
import { getRun, type OutputEntry, searchOutputs } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** The budgets are for 4 GiB; less shows the same, and more is asked for by SODATE_BENCH_TRANSFER_BYTES and _FILES. */
const LARGE_BYTES = 1024 ** 3;
const SMALL_FILES = 10_000;
const SMALL_BYTES = 4096;
const FILES_PER_FOLDER = 1_000;
const KILLS = 5;
const PART_OF_COPY = 0.7;
const MIB = 1024 * 1024;

/** One large file and many small ones, through the CLI as people use it, beside what the machine does without us. */
export const transfersBench: Bench = {
  name: 'transfers',
  about: 'upload and download of a large file and of many small ones',
  async measure(context) {
    const bytes = Number(process.env['SODATE_BENCH_TRANSFER_BYTES'] ?? scaled(context, LARGE_BYTES, 64 * MIB));
    const files = Number(process.env['SODATE_BENCH_TRANSFER_FILES'] ?? scaled(context, SMALL_FILES, 100));
    const folder = path.join(context.folder, 'transfers');
    await mkdir(folder);
    try {
      return [...(await largeFile(context, folder, bytes)), ...(await smallFiles(context, folder, files)), ...(await outputs(context, folder, files))];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function largeFile(context: BenchContext, folder: string, bytes: number): Promise<readonly Figure[]> {
  const file = path.join(folder, 'large');
  await writeRandom(file, bytes);
  const size = bytes / MIB;
  const copy = path.join(folder, 'copy');
  const copied = await seconds(() => run('sh', ['-c', 'cp -- "$1" "$2" && sync -- "$2"', 'sh', file, copy]));
  await rm(copy);
  const digested = await seconds(() => digest(file));
  const slower = Math.max(copied, digested);
  const { server } = await context.platform();
  const data = await makeData(context);
  const { pid } = server();
  await resetPeakMemory(pid);
  const up = await cli(context, ['data', 'upload', data, file]);
  const uploadPeak = await peakMemoryOf(pid);
  const piped = await seconds(() => run('sh', ['-c', 'cp -- "$1" /dev/stdout | cat > /dev/null', 'sh', file]));
  await resetPeakMemory(pid);
  const read = await seconds(() => readFromServer(context, data));
  const downloadPeak = await peakMemoryOf(pid);
  const into = path.join(folder, 'back');
  const down = await cli(context, ['data', 'download', data, '--into', into]);
  if ((await digest(file)) !== (await digest(path.join(into, 'large')))) throw new Error('The file came back with other bytes.');
  await rm(into, { recursive: true });
  await rm(file);
  const memory = (mine: number, peak: number | null): string => `${rounded(mine / MIB)} MiB, ${peak === null ? 'not known' : `${rounded(peak / MIB)} MiB`}`;
  return [
    atLeast(`upload of ${rounded(size)} MiB by the CLI`, size / up.seconds, (PART_OF_COPY * size) / slower, 'MiB/s'),
    explain('  beside it: cp and fsync; digest on one core', `${rounded(size / copied)}, ${rounded(size / digested)} MiB/s`),
    explain('  peak memory: CLI, server', memory(up.peakBytes, uploadPeak)),
    atLeast(`download of ${rounded(size)} MiB, read and thrown away`, size / read, (PART_OF_COPY * size) / piped, 'MiB/s'),
    explain('  beside it: cp into a pipe; the CLI, which digests and writes', `${rounded(size / piped)}, ${rounded(size / down.seconds)} MiB/s`),
    explain('  peak memory: CLI, server', memory(down.peakBytes, downloadPeak)),
  ];
}

async function smallFiles(context: BenchContext, folder: string, count: number): Promise<readonly Figure[]> {
  const source = path.join(folder, 'small');
  for (let at = 0; at < count; at += FILES_PER_FOLDER) {
    const below = path.join(source, String(at / FILES_PER_FOLDER));
    await mkdir(below, { recursive: true });
    for (let each = at; each < Math.min(count, at + FILES_PER_FOLDER); each += 1) await writeFile(path.join(below, `${each}.bin`), randomBytes(SMALL_BYTES));
  }
  const data = await makeData(context);
  const { server } = await context.platform();
  const { pid } = server();
  const back = path.join(folder, 'small back');
  const download = ['data', 'download', data, '--into', back];
  await resetPeakMemory(pid);
  const up = await cli(context, ['data', 'upload', data, source]);
  const uploadPeak = await peakMemoryOf(pid);
  const again = await cli(context, ['data', 'upload', data, source]);
  await resetPeakMemory(pid);
  const down = await cli(context, download);
  const downloadPeak = await peakMemoryOf(pid);
  await run('diff', ['-r', source, back]);
  await rm(back, { recursive: true });
  for (let kill = 0; kill < KILLS; kill += 1) await cli(context, download, (down.seconds / KILLS) * Math.random());
  const resumed = await cli(context, download);
  await run('diff', ['-r', source, back]);
  const rate = ({ seconds: took }: { readonly seconds: number }): string => `${rounded(count / took)} files/s, ${rounded(took)} s`;
  const memory = ({ peakBytes }: Ran, peak: number | null): string => `${rounded(peakBytes / MIB)}, ${peak === null ? 'not known' : rounded(peak / MIB)} MiB`;
  return [
    explain(`upload of ${count} files of ${SMALL_BYTES} bytes`, rate(up)),
    explain('  peak memory: CLI, server', memory(up, uploadPeak)),
    explain('  the same once more: nothing is sent', rate(again)),
    explain('  download of them', rate(down)),
    explain('  peak memory: CLI, server', memory(down, downloadPeak)),
    explain(`  killed ${KILLS} times, the rest`, `${rounded(resumed.seconds)} s, ${thereBefore(resumed)} files were there`),
  ];
}

/** As many, left behind by a run. */
async function outputs(context: BenchContext, folder: string, count: number): Promise<readonly Figure[]> {
  const { client, tenant, server } = await context.platform();
  const inFolder = Math.min(count, FILES_PER_FOLDER);
  const command = `set -e; for folder in $(seq 1 ${Math.ceil(count / FILES_PER_FOLDER)}); do
    mkdir "$SAKURA_ARTIFACT_DIR/$folder"
    head -c ${inFolder * SMALL_BYTES} /dev/urandom | split -a 3 -d -b ${SMALL_BYTES} - "$SAKURA_ARTIFACT_DIR/$folder/"
  done`;
  const params = { tenant };
  const { id } = await client().call(startTask, { params, body: { name: 'outputs', command, resources: { cpu: 1, memory: 200_000_000 } } });
  const last = async (): Promise<OutputEntry | undefined> => {
    const { items } = await client().call(searchOutputs, { params: { ...params, run: id }, query: { path: '1', limit: 1 } });
    return items[0];
  };
  const hasSucceeded = async (): Promise<boolean> => {
    const { state } = await client().call(getRun, { params: { ...params, run: id } });
    if (state === 'failed' || state === 'cancelled') throw new Error(`The run that writes the outputs ended as ${state}.`);
    return state === 'succeeded';
  };
  // The server reads what an ended run has left, some time later.
  while (!(await hasSucceeded()) || ((await last())?.digest ?? null) === null) await pause(500);
  const back = path.join(folder, 'outputs back');
  const download = ['run', 'download', id, '--into', back];
  const { pid } = server();
  await resetPeakMemory(pid);
  const down = await cli(context, download);
  const peak = await peakMemoryOf(pid);
  const verified = await cli(context, download);
  await rm(back, { recursive: true });
  await cli(context, download, down.seconds * 0.8);
  const resumed = await cli(context, download);
  await run('diff', ['-r', path.join(context.folder, 'home/runs', id, 'output'), back]);
  return [
    explain(`download of ${count} outputs of ${SMALL_BYTES} bytes`, `${rounded(count / down.seconds)} files/s, ${rounded(down.seconds)} s`),
    explain('  peak memory: CLI, server', `${rounded(down.peakBytes / MIB)}, ${peak === null ? 'not known' : rounded(peak / MIB)} MiB`),
    explain('  once more: all are read and compared', `${rounded(verified.seconds)} s`),
    explain('  killed late, the rest', `${rounded(resumed.seconds)} s, ${thereBefore(resumed)} files were there`),
  ];
}

async function readFromServer(context: BenchContext, data: string): Promise<void> {
  const { client, tenant, server, cliEnvironment } = await context.platform();
  const { items } = await client().call(listDataFiles, { params: { tenant, data } });
  const url = `${server().url}/v1/tenants/${tenant}/data/${data}/files/${items[0]?.id}/content`;
  await new Promise<void>((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${cliEnvironment()['SODATE_TOKEN']}` } }, (answer) => {
      answer
        .on('data', () => {})
        .on('end', resolve)
        .on('error', reject);
    }).on('error', reject);
  });
}

async function makeData(context: BenchContext): Promise<string> {
  const { client, tenant } = await context.platform();
  return (await client().call(createData, { params: { tenant }, body: { name: 'transfers' } })).id;
}

interface Ran {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly said: string;
}

/**
 * The built CLI as a process of its own; GNU time is not everywhere, so it says its peak itself.
 * @param killAfterSeconds when it is killed, unless it has ended by then
 */
async function cli(context: BenchContext, words: readonly string[], killAfterSeconds?: number): Promise<Ran> {
  const platform = await context.platform();
  const program = path.join(path.dirname(context.program), 'cli.mjs');
  const preload = `data:text/javascript,${encodeURIComponent(
    "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS * 1024)));",
  )}`;
  const environment = { ...process.env, ...platform.cliEnvironment() };
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', preload, program, ...words], { env: environment, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  let said = '';
  let peakBytes = '';
  child.stdout?.on('data', (text: Buffer) => (said += text.toString()));
  child.stdio[3]?.on('data', (text: Buffer) => (peakBytes += text.toString()));
  const killing = killAfterSeconds === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterSeconds * 1000);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(killing);
  if (code !== 0 && (killing === undefined || signal !== 'SIGKILL')) throw new Error(`sodate ${words.join(' ')} ended with code ${code}.`);
  return { seconds: (performance.now() - began) / 1000, peakBytes: Number(peakBytes), said };
}

const thereBefore = ({ said }: Ran): number => Number(/ (\d+) of them were there already/.exec(said)?.[1] ?? 0);

async function run(program: string, args: readonly string[]): Promise<void> {
  const [code] = (await once(spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with code ${code}.`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function writeRandom(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'w');
  const block = randomBytes(16 * MIB);
  for (let at = 0; at < bytes; at += block.length) {
    // Every block differs from the others, so that nothing on the way can save it.
    block.writeDoubleLE(at, 0);
    await handle.write(block, 0, Math.min(block.length, bytes - at), at);
  }
  await handle.close();
  if ((await stat(file)).size !== bytes) throw new Error('The large file could not be written whole.');
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: MIB }), async (pieces) => {
    for await (const piece of pieces) hash.update(piece as Buffer);
  });
  return hash.digest('hex');
}
