import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { attemptFolder, readExit } from '../../server/executors/local-process/attempt-folder.ts';
import { systemClock } from '../../server/kit/clock.ts';
import { kill } from '../home-processes.ts';
import { isHealthy, type Running, type TestHome, untilReady } from '../test-home.ts';
import { until } from '../until.ts';
import type { Random } from './random.ts';

export interface StormCounts {
  /** Times that something was killed with -9. */
  strikes: number;
  server: number;
  postgres: number;
  both: number;
  /** The container engine, alone or with others. */
  engine: number;
  /** Before the server served. */
  early: number;
  /** Starts that ended by themselves because their database was killed during them. */
  startsGivenUp: number;
  starts: number;
  longestStartMs: number;
  /** Until the last of the ends that a start found was taken up: from when it served, and from its very beginning. */
  longestAdoptionMs: number;
  longestAdoptionFromStartMs: number;
  adoptions: number;
}

/** A container engine that may be struck as well. */
export interface StruckEngine {
  /** With -9; resolves when it is dead. */
  kill(): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
}

/** From the kill of the container engine until it answered again. */
export interface Outage {
  readonly from: Date;
  readonly until: Date;
}

export interface StormParts {
  readonly home: TestHome;
  readonly random: Random;
  /** By which processes of the home are known. */
  readonly mark: string;
  /** The id of the installation, once there is one. */
  readonly installation: () => Promise<string>;
  /** null where nothing runs in containers. */
  readonly engine: StruckEngine | null;
}

export interface Storm {
  readonly counts: StormCounts;
  /** Of the container engine, so far. */
  readonly outages: readonly Outage[];
  /** What was struck, in order: the same for the same seed. */
  readonly struck: readonly string[];
  /** Kills at random and starts again, `strikes` times; afterwards the server serves. */
  rage(strikes: number, beforeStrike: (done: number) => Promise<void>): Promise<void>;
  /** Kills the server, lets `meanwhile` happen without one, and starts it again. */
  away(meanwhile: () => Promise<void>): Promise<void>;
  /** What the server of now has logged. */
  said(): string;
  /** Ends the server in the ordinary way. @returns its exit code */
  end(): Promise<number | null>;
}

/** From the moment when something can be killed to the kill, at most; of a server on its way up, from its beginning. */
const LONGEST_DELAY_MS = 1_500;
const LONGEST_EARLY_DELAY_MS = 4_000;
/** What one strike kills, in this order. */
type Target = readonly ('server' | 'postgres' | 'engine')[];
const TARGETS: readonly [Target, ...Target[]] = [['server'], ['server'], ['postgres'], ['postgres', 'server'], ['server', 'postgres']];
const TARGETS_WITH_ENGINE: readonly [Target, ...Target[]] = [
  ...TARGETS,
  ['engine'],
  ['engine'],
  ['engine', 'server'],
  ['server', 'engine'],
  ['engine', 'postgres', 'server'],
];
/** An engine is started again at once, or stays away for long enough that the server has to wait for it. */
const ENGINE_STAYS_AWAY_SHARE = 0.3;
const LONGEST_ENGINE_ABSENCE_MS = 4_000;
/** Of the strikes, those that hit a server on its way up. */
const EARLY_SHARE = 0.25;
/** The server starts its database again at most five times within a minute; then it gives up, as it should. */
const POSTGRES_ALONE_LIMIT = 3;

export async function makeStorm({ home, random, mark, installation, engine }: StormParts): Promise<Storm> {
  const counts: StormCounts = {
    strikes: 0,
    server: 0,
    postgres: 0,
    both: 0,
    engine: 0,
    early: 0,
    startsGivenUp: 0,
    starts: 0,
    longestStartMs: 0,
    longestAdoptionMs: 0,
    longestAdoptionFromStartMs: 0,
    adoptions: 0,
  };
  const outages: Outage[] = [];
  const struck: string[] = [];
  const dataFolder = path.join(home.folder, 'postgres', 'data');

  const begin = (): Running & { readonly began: number; measured: boolean } => {
    counts.starts += 1;
    return { ...home.begin(['up'], { environment: { CHAOS_MARK: mark } }), began: performance.now(), measured: false };
  };
  let server = begin();

  /** When the engine is there again, after it was last struck. */
  let engineBack: Promise<void> = Promise.resolve();
  const strikeEngine = async ({ kill: killEngine, start }: StruckEngine): Promise<void> => {
    const absence = random.chance(ENGINE_STAYS_AWAY_SHARE) ? random.between(0, LONGEST_ENGINE_ABSENCE_MS) : 0;
    await engineBack;
    const from = systemClock.now();
    const back = async (dead: Promise<void>): Promise<void> => {
      await dead;
      await sleep(absence);
      await start();
      outages.push({ from, until: systemClock.now() });
    };
    engineBack = back(killEngine());
    // Whoever waits for it hears of it.
    engineBack.catch(() => {});
  };

  /** Ready, and all that ended without a server is taken up. */
  const settle = async (): Promise<void> => {
    await engineBack;
    const url = await untilReady(server);
    // Of a server that has been serving since before the last strike there is no start to measure.
    const fresh = !server.measured;
    server.measured = true;
    const ready = performance.now();
    if (fresh) counts.longestStartMs = Math.max(counts.longestStartMs, ready - server.began);
    const waiting = await endedAttempts(path.join(home.folder, 'executors/local-process', await installation()));
    await until('what ended while no server ran is taken up', async () => {
      if (server.hasEnded()) throw new Error(`The server ended by itself: ${(await server.ended).stderr}`);
      const left = await Promise.all(
        waiting.map((folder) =>
          stat(folder).then(
            () => true,
            () => false,
          ),
        ),
      );
      return !left.includes(true) && (await isHealthy(url));
    });
    if (waiting.length === 0 || !fresh) return;
    counts.adoptions += waiting.length;
    counts.longestAdoptionMs = Math.max(counts.longestAdoptionMs, performance.now() - ready);
    counts.longestAdoptionFromStartMs = Math.max(counts.longestAdoptionFromStartMs, performance.now() - server.began);
  };

  const killServer = async (): Promise<void> => {
    // Before it serves the record is an earlier server's; then the process that we started is meant. It may begin to serve while we read.
    const serves = server.stdout() !== '';
    const record = await home.serverRecord();
    if (serves && !server.hasEnded() && record?.pid !== server.pid) throw new Error(`server.json names ${record?.pid} instead of ${server.pid}`);
    kill(server.pid, 'SIGKILL');
    await server.ended;
  };

  return {
    counts,
    outages,
    struck,
    async rage(strikes, beforeStrike) {
      let alone = 0;
      for (let strike = 0; strike < strikes; strike += 1) {
        const early = strike > 0 && random.chance(EARLY_SHARE);
        if (!early) {
          await settle();
          await beforeStrike(strike);
        }
        await sleep(random.between(0, early ? LONGEST_EARLY_DELAY_MS : LONGEST_DELAY_MS));
        const wanted = random.pick(engine === null ? TARGETS : TARGETS_WITH_ENGINE);
        const restarts = wanted.includes('server') || (wanted.includes('postgres') && alone >= POSTGRES_ALONE_LIMIT);
        const target: Target = restarts && !wanted.includes('server') ? [...wanted, 'server'] : wanted;
        struck.push(`${early ? 'early ' : ''}${target.join('+')}`);
        counts.strikes += 1;
        if (target.includes('engine')) counts.engine += 1;
        if (target.includes('server') && target.includes('postgres')) counts.both += 1;
        else if (target.includes('server')) counts.server += 1;
        else if (target.includes('postgres')) counts.postgres += 1;
        if (early) counts.early += 1;
        for (const part of target) {
          if (part === 'server') await killServer();
          else if (part === 'postgres') killPostgres(dataFolder, random.chance(0.5));
          else if (engine !== null) await strikeEngine(engine);
        }
        if (!restarts) {
          if (!target.includes('postgres')) continue;
          alone += 1;
          if (!early) continue;
          // In the middle of a start it is the server's right to give up, but not to hang.
          const outcome = await Promise.race([server.ended, untilReady(server).catch(() => server.ended)]);
          if (typeof outcome === 'string') continue;
          counts.startsGivenUp += 1;
          if (outcome.code !== 1) throw new Error(`A start whose database was killed ended with code ${outcome.code}: ${outcome.stderr}`);
        }
        alone = 0;
        server = begin();
      }
      await settle();
    },
    async away(meanwhile) {
      counts.strikes += 1;
      counts.server += 1;
      await killServer();
      await meanwhile();
      server = begin();
      await settle();
    },
    said: () => server.stderr(),
    async end() {
      await engineBack;
      kill(server.pid, 'SIGTERM');
      return (await server.ended).code;
    },
  };
}

/** Folders of attempts whose job has ended by itself and which are still there to be taken up. */
async function endedAttempts(folder: string): Promise<readonly string[]> {
  const attempts = (await readdir(folder).catch(() => [])).map((name) => attemptFolder(folder, name as AttemptId));
  const hasExited = (attempt: (typeof attempts)[number]): boolean => {
    try {
      return readExit(attempt)?.record.kind === 'exit';
    } catch {
      // Removed while it was being read.
      return false;
    }
  };
  return attempts.filter(hasExited).map(({ path }) => path);
}

/**
 * The postmaster of this data folder, and with `everything` each of its children, in one go. All of PostgreSQL works in
 * the data folder and nothing else does, so no process of another database can be meant.
 */
function killPostgres(dataFolder: string, everything: boolean): void {
  const worksHere = (pid: number): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === dataFolder;
    } catch {
      return false;
    }
  };
  const postmaster = postmasterIn(dataFolder);
  const others = everything
    ? readdirSync('/proc')
        .filter((name) => /^[0-9]+$/.test(name))
        .map(Number)
        .filter((pid) => pid !== postmaster && worksHere(pid))
    : [];
  if (postmaster !== null && worksHere(postmaster)) kill(postmaster, 'SIGKILL');
  for (const pid of others) kill(pid, 'SIGKILL');
}

function postmasterIn(dataFolder: string): number | null {
  try {
    return Number(readFileSync(path.join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return null;
  }
}
