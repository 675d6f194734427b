import { parseArgs } from 'node:util';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { runDemo } from './demo/run-demo.ts';

const USAGE = `Usage: ./sodate demo [--once] [--json] [--executor NAME] [--home FOLDER] [--port N]

Starts a platform in a home of its own and runs the main job on it: data in, a training and an inference executed, the
accuracy and the ancestry out. The platform goes on running; with --once everything is ended and removed afterwards.
--json prints one JSON object as the last line. --executor docker runs the jobs in containers, on an image made of this
machine's Node; without it they are sandboxed processes.
`;

const { values } = parseArgs({
  options: {
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    executor: { type: 'string', default: 'local' },
    home: { type: 'string' },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  const once = values.once ?? false;
  const temporary = once && values.home === undefined ? await mkdtemp(path.join(tmpdir(), 'sodate-demo-')) : null;
  const home = temporary ?? path.resolve(values.home ?? path.join(homedir(), '.sodate-demo'));
  try {
    const { executor } = values;
    if (executor !== 'local' && executor !== 'docker') throw new Error(`--executor must be local or docker, not ${executor}.`);
    const result = await runDemo({ home, once, executor, port: values.port, say: (text) => (values.json ? process.stderr : process.stdout).write(text) });
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (result.training !== 'succeeded' || result.inference !== 'succeeded') process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    if (temporary !== null) await rm(temporary, { recursive: true, force: true });
  }
}
