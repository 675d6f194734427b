import { execFile, spawn } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes the image in which the demo's jobs run, of what is on this machine: its Node, a shell, and the libraries of both.
 * Nothing is pulled. An image of the same Node from an earlier demo is used again.
 * @returns the image's name
 */
export async function buildDemoImage(say: (text: string) => void): Promise<string> {
  if (process.platform !== 'linux')
    throw new Error('--executor docker makes an image of this machine’s Node, which must be one for Linux. Run the demo without it.');
  const image = `sodate-demo:node-${process.versions.node}`;
  await run('docker', ['version', '--format', '{{.Server.Version}}']).catch((error: NodeJS.ErrnoException & { stderr?: string }) => {
    if (error.code === 'ENOENT') throw new Error('--executor docker needs the program docker. Install it, or run the demo without --executor.');
    throw new Error(`The Docker engine does not answer: ${error.stderr?.trim() ?? error.message}. Start it, or set DOCKER_HOST.`);
  });
  const known = await run('docker', ['image', 'inspect', image]).then(
    () => true,
    () => false,
  );
  if (known) return image;
  say('Making an image of this machine’s Node …\n');
  const node = await realpath(process.execPath);
  const shell = await realpath('/bin/sh');
  const libraries = new Set([...(await librariesOf(node)), ...(await librariesOf(shell))]);
  await importImage(image, node, [shell, ...libraries]);
  return image;
}

/** The shared libraries that the dynamic linker would load, itself among them. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]);
  return stdout.split('\n').flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

async function importImage(image: string, node: string, files: readonly string[]): Promise<void> {
  // Node may be anywhere; in the image it is where its PATH looks. Links are followed, so that each file is where it is looked for.
  const names = [`s,^${node.slice(1)}$,usr/local/bin/node,`, `s,^${(await realpath('/bin/sh')).slice(1)}$,bin/sh,`];
  const tar = spawn('tar', ['-c', '-h', '-C', '/', ...names.map((rule) => `--transform=${rule}`), ...[node, ...files].map((file) => file.slice(1))], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const load = spawn('docker', ['import', '--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin', '-', image], { stdio: [tar.stdout, 'ignore', 'pipe'] });
  // It has its own hold of the pipe; with ours it would not see the end.
  tar.stdout.destroy();
  const [packed, loaded] = await Promise.all([tar, load].map(ended));
  const trouble = [packed, loaded].find((result) => result !== null);
  if (trouble) throw new Error(`The image ${image} could not be made: ${trouble}`);
}

/** @returns null, or what a program that failed has said */
async function ended(child: ReturnType<typeof spawn>): Promise<string | null> {
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return code === 0 ? null : `${path.basename(child.spawnfile)}: ${said.trim() || `exit code ${code}`}`;
}
