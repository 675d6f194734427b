import { readFile } from 'node:fs/promises';
import type { LaunchSpec } from '../executor.ts';
import { makeLocalProcessHarness } from './local-process-harness.ts';

// A server in miniature for chaos.engine.test.ts: starts every attempt of a file, again and again from the beginning each
// time it is started itself, and is killed at any moment.
const [, , folder = '', platform = '', specsFile = ''] = process.argv;
const AT_ONCE = 6;
const harness = await makeLocalProcessHarness({ isolation: 'auto' }, { folder, platform });
const executor = await harness.open();
const waiting = JSON.parse(await readFile(specsFile, 'utf8')) as LaunchSpec[];
process.stdout.write('open\n');
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let spec = waiting.shift(); spec; spec = waiting.shift()) await executor.start(spec, new AbortController().signal);
  }),
);
process.stdout.write('all started\n');
await executor.close();
