import { DEFAULT_GIT_SEARCH_PATH } from '#git/run-git.ts';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { freePort } from '#kit/testing/free-port.ts';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';

/** For tests: a real OpenSSH server on loopback, with a host key and one permitted key of its own. */
export interface SshGit {
  /** `ssh://USER@127.0.0.1:PORT` */
  readonly url: string;
  /** `type key`, as known_hosts has it. */
  hostKey(): string;
  /** Without a passphrase; the server lets it in. */
  readonly privateKey: string;
  /** The server does not know it. */
  readonly strangersKey: string;
  /** Ends the server and starts it again under a new host key. */
  changeHostKey(): Promise<void>;
  /** What a command other than git's is answered with, by the words it begins with. */
  answer(command: string, output: string): void;
  close(): Promise<void>;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((file) => existsSync(file)) ?? null;

/** Null when it can be used here, else why not. */
export function whySshGitCannot(): string | null {
  if (SSHD === null) return 'sshd is not installed';
  if (process.getuid?.() !== 0) return null;
  return existsSync('/run/sshd') || canMake('/run/sshd') ? null : 'sshd wants /run/sshd';
}

function canMake(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return true;
  } catch {
    return false;
  }
}

export async function provideSshGit(folder: string): Promise<SshGit> {
  mkdirSync(folder, { recursive: true });
  const at = (name: string): string => path.join(folder, name);
  const makeKey = (name: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a test', '-f', at(name)]);
    return readFileSync(at(name), 'utf8');
  };
  const privateKey = makeKey('user');
  const strangersKey = makeKey('stranger');
  makeKey('host-0');
  const port = await freePort();
  mkdirSync(at('answers'));
  // Instead of the account's own shell and start files: git's reading, and what the test says.
  writeFileSync(
    at('command'),
    `#!/bin/sh
cd ${JSON.stringify(folder)}
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' PATH=${JSON.stringify(DEFAULT_GIT_SEARCH_PATH)}
first=\${SSH_ORIGINAL_COMMAND%% *}
if [ -f "answers/$first" ]; then exec cat "answers/$first"; fi
case $first in git-upload-pack) eval "exec $SSH_ORIGINAL_COMMAND" ;; *) echo "no such command" >&2; exit 127 ;; esac
`,
  );
  chmodSync(at('command'), 0o755);
  writeFileSync(at('authorized_keys'), `restrict,command="${at('command')}" ${readFileSync(at('user.pub'), 'utf8')}`);
  const held: { child?: ChildProcess; keys: number } = { keys: 0 };

  async function start(): Promise<void> {
    writeFileSync(
      at('sshd_config'),
      `Port ${port}
ListenAddress 127.0.0.1
HostKey ${at(`host-${held.keys}`)}
AuthorizedKeysFile ${at('authorized_keys')}
AcceptEnv GIT_PROTOCOL
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
LogLevel ERROR
`,
    );
    held.child = spawn(SSHD ?? '', ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
    await answers(port);
  }
  async function stop(): Promise<void> {
    const { child } = held;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  await start();
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    hostKey: () =>
      readFileSync(at(`host-${held.keys}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    privateKey,
    strangersKey,
    async changeHostKey() {
      await stop();
      held.keys += 1;
      makeKey(`host-${held.keys}`);
      await start();
    },
    answer: (command, output) => writeFileSync(path.join(at('answers'), command), output),
    close: stop,
  };
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    }).catch(() => false);
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
