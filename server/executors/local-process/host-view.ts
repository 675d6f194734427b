import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, lstat, mkdir, mkdtemp, readFile, readlink, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import type { Programs } from './programs.ts';
import { type HostView, INSIDE_FOLDER, NODE_FOLDER, SHIM_IN_ETC } from './sandbox.ts';

const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** CPU and memory topology, which numeric libraries read. */
const EXTRA_FOLDERS = ['/sys/devices/system'];
/** What programs need to find libraries, names, zones and certificates; nothing that holds a secret. */
const ETC_ENTRIES = [
  'alternatives',
  'bash.bashrc',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'fonts',
  'gai.conf',
  'host.conf',
  'hostname',
  'inputrc',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'magic',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'profile',
  'protocols',
  'services',
  'shells',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
  'vulkan',
  'OpenCL',
];
/**
 * Who the users are, a job reads from its own two files alone. Asking the machine's other sources, as its nsswitch.conf says,
 * loads their libraries and calls on their services: 0.4 ms at every start, for names that a job is not to see.
 */
const NAMES_FROM_FILES = /^(passwd|group|shadow|gshadow|initgroups)\s*:.*$/gm;
const LIVE_ETC_FILES = ['/etc/resolv.conf', '/etc/hosts'];

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * /etc is one folder of ours instead of thirty mounts, each of which costs about 0.2 ms at every start. It is a copy made
 * when the executor is made; what changes while a machine runs is mounted from the original. It is named by what it was
 * made from: jobs started by an earlier server go on using theirs, and no job sees its own change.
 */
async function makeEtc(folder: string, programs: Programs): Promise<string> {
  const fingerprint = createHash('sha256').update(programs.shim).update(String(NAMES_FROM_FILES));
  const present: string[] = [];
  for (const entry of ETC_ENTRIES) {
    const info = await lstat(join('/etc', entry)).catch(() => null);
    if (!info) continue;
    fingerprint.update(`${entry} ${info.mtimeMs} ${info.size}\n`);
    present.push(entry);
  }
  const final = join(folder, `.etc-${fingerprint.digest('hex').slice(0, 16)}`);
  if (await exists(final)) return final;

  const temporary = await mkdtemp(join(folder, '.new-etc-'));
  await chmod(temporary, 0o755);
  for (const [parent, entries] of byParent(present)) {
    await makeOpen(join(temporary, parent));
    // cp takes 20 ms for the thousand small files, Node's own takes 500. One unreadable file must not cost the rest.
    await promisify(execFile)('sh', ['-c', 'umask 022; exec cp -RP "$@"', 'sh', ...entries.map((entry) => join('/etc', entry)), join(temporary, parent)], {
      env: { PATH: '/usr/bin:/bin' },
    }).catch(() => {});
  }
  await makeOpen(dirname(join(temporary, SHIM_IN_ETC)));
  await copyFile(programs.shim, join(temporary, SHIM_IN_ETC));
  for (const name of ['passwd', 'group']) await symlink(`${INSIDE_FOLDER}/${name}`, join(temporary, name));
  const services = await readFile('/etc/nsswitch.conf', 'utf8').catch(() => null);
  if (services !== null) {
    // What was copied may be a link to a file elsewhere.
    await rm(join(temporary, 'nsswitch.conf'), { force: true });
    await writeFile(join(temporary, 'nsswitch.conf'), services.replace(NAMES_FROM_FILES, '$1: files'));
    await chmod(join(temporary, 'nsswitch.conf'), 0o644);
  }
  await symlink('/proc/mounts', join(temporary, 'mtab'));
  await chmod(join(temporary, SHIM_IN_ETC), 0o644);
  for (const path of LIVE_ETC_FILES) await writeFile(join(temporary, relative('/etc', path)), '');
  await rename(temporary, final).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(temporary, { recursive: true });
  });
  return final;
}

/** Whatever the server's umask is, jobs may pass through. */
async function makeOpen(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

function byParent(entries: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const entry of entries) groups.set(dirname(entry), [...(groups.get(dirname(entry)) ?? []), entry]);
  return groups;
}

/** Where Node is mounted from: its installation when it is clearly one and nothing else, otherwise the program alone. */
async function nodeSource(nodePath: string, folder: string): Promise<HostView['node']> {
  const real = await realpath(nodePath);
  if (real.startsWith('/usr/')) return null;
  const prefix = dirname(dirname(real));
  // A prefix such as a home folder would show the job everything in it, our own files first.
  const isInstallation =
    prefix !== '/' && !folder.startsWith(prefix + sep) && (await exists(join(prefix, 'lib/node_modules/npm'))) && !(await exists(join(prefix, '.profile')));
  return isInstallation ? { source: prefix, target: NODE_FOLDER } : { source: real, target: `${NODE_FOLDER}/bin/node` };
}

export interface HostViewOptions {
  readonly folder: string;
  readonly nodePath: string;
  readonly visiblePaths: readonly string[];
  readonly programs: Programs;
}

export async function makeHostView({ folder, nodePath, visiblePaths, programs }: HostViewOptions): Promise<HostView> {
  const readOnlyFolders: string[] = [];
  const links: { path: string; target: string }[] = [];
  for (const path of SYSTEM_FOLDERS) {
    const info = await lstat(path).catch(() => null);
    if (info?.isSymbolicLink()) links.push({ path, target: await readlink(path) });
    else if (info?.isDirectory()) readOnlyFolders.push(path);
  }
  for (const path of [...EXTRA_FOLDERS, ...visiblePaths]) if (await exists(path)) readOnlyFolders.push(path);
  const liveEtcFiles: string[] = [];
  for (const path of LIVE_ETC_FILES) if (await exists(path)) liveEtcFiles.push(path);
  return { readOnlyFolders, links, etcFolder: await makeEtc(folder, programs), liveEtcFiles, node: await nodeSource(nodePath, folder) };
}
