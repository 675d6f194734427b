import { openBenchPlatform } from './bench-platform.ts';
import type { Bench, BenchContext } from './bench.ts';
import { dockerBench } from './docker.ts';
import { ensureBuilt } from './ensure-built.ts';
import { holds, type Figure } from './figure.ts';
import { gitBench } from './git.ts';
import { idleBench } from './idle.ts';
import { listsBench } from './lists.ts';
import { metricsBench } from './metrics.ts';
import { mlflowBench } from './mlflow.ts';
import { outputsBench } from './outputs.ts';
import { pagesBench } from './pages.ts';
import { queueBench } from './queue.ts';
import { rateBench } from './rate.ts';
import { stagingBench } from './staging.ts';
import { startBench } from './start.ts';
import { transfersBench } from './transfers.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const BENCHES: readonly Bench[] = [
  startBench,
  rateBench,
  idleBench,
  queueBench,
  stagingBench,
  gitBench,
  outputsBench,
  listsBench,
  metricsBench,
  dockerBench,
  transfersBench,
];
/** One wants a browser; the other installs half a gigabyte and is nobody's budget but a comparison. */
const WHEN_NAMED: readonly Bench[] = [pagesBench, mlflowBench];
const NOT_MEASURED_HERE = ['lists at 1 M rows, unless SODATE_BENCH_LISTS=full: seeding them takes minutes'];

const USAGE = `Usage: npm run bench -- [NAME …] [--json] [--scale N] [--profile FOLDER] [--program FILE]

Measures the budgets of the platform on this machine, each beside its limit, on a server, a database and a home of its own.
${[...BENCHES, ...WHEN_NAMED].map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}

--json      the last line is one JSON object
--scale     a part of the amounts that the budgets name, for a quick look
--profile   writes CPU profiles of the server into a folder
--program   another build's server.mjs
--strict    exit code 1 when a budget does not hold
`;

interface Result {
  readonly name: string;
  readonly figures: readonly Figure[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      strict: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      scale: { type: 'string', default: '1' },
      profile: { type: 'string' },
      program: { type: 'string' },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const unknown = positionals.filter((name) => ![...BENCHES, ...WHEN_NAMED].some((bench) => bench.name === name));
  const scale = Number(values.scale);
  if (unknown.length > 0 || !(scale > 0))
    throw new Error(`${unknown.length > 0 ? `There is no bench ${unknown.join(', ')}.` : '--scale must be a number above 0.'}\n\n${USAGE}`);
  const chosen = positionals.length === 0 ? BENCHES : [...BENCHES, ...WHEN_NAMED].filter(({ name }) => positionals.includes(name));
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const program = values.program === undefined ? ensureBuilt(say) : path.resolve(values.program);
  const results = await measureAll(chosen, { program, scale, say, profile: values.profile === undefined ? null : path.resolve(values.profile) });
  process.stdout.write(
    `${toTable(results)}\n${availableParallelism()} cores, load average ${loadavg()[0]?.toFixed(1)}, Node ${process.version}. Ratio: of the budget, up to 1 holds.\n`,
  );
  if (positionals.length === 0) for (const what of NOT_MEASURED_HERE) process.stdout.write(`Not measured here: ${what}.\n`);
  if (values.json) process.stdout.write(`${JSON.stringify({ cores: availableParallelism(), load: loadavg()[0], scale, results: results.map(toJson) })}\n`);
  if (values.strict && results.some(({ figures }) => figures.some((figure) => holds(figure) === false))) process.exitCode = 1;
}

async function measureAll(
  benches: readonly Bench[],
  options: Pick<BenchContext, 'program' | 'scale' | 'say'> & { readonly profile: string | null },
): Promise<readonly Result[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-bench-'));
  const held: { platform?: ReturnType<typeof openBenchPlatform> } = {};
  const context: BenchContext = { ...options, folder, platform: () => (held.platform ??= openBenchPlatform({ ...options, folder })) };
  const results: Result[] = [];
  try {
    for (const bench of benches) {
      options.say(`${bench.name}: ${bench.about} …`);
      results.push({ name: bench.name, figures: await bench.measure(context) });
    }
    return results;
  } finally {
    await (await held.platform)?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const HEAD = ['', 'what', 'measured', 'budget', 'ratio', 'holds'];
const TO_THE_RIGHT = new Set([2, 3, 4]);

function toTable(results: readonly Result[]): string {
  const lines = results.flatMap(({ name, figures }) =>
    figures.map((figure, at) => {
      const held = holds(figure);
      return [at === 0 ? name : '', figure.what, figure.measured, figure.budget, figure.ratio?.toFixed(2) ?? '', held === null ? '' : held ? 'yes' : 'NO'];
    }),
  );
  const widths = HEAD.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const toText = (line: readonly string[]): string =>
    line
      .map((cell, column) => (TO_THE_RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [HEAD, widths.map((width) => '─'.repeat(width)), ...lines].map(toText).join('\n');
}

const toJson = ({ name, figures }: Result): unknown => ({ name, figures: figures.map((figure) => ({ ...figure, holds: holds(figure) })) });

await main().catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
