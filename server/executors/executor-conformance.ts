import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { type Executor, type Exit, isEngineUnreachable, isStartRefused, type JobCommand, type LaunchSpec, type Observation } from './executor.ts';
import { runText } from '@sodate/contract/run-words.ts';

/**
 * What every executor promises, asked of each implementation by its own test. A harness brings a real engine, a real
 * StageFolders with the items `output` and `tmp` (writable) and `input` (read-only, with the file `meta.json` = `{}`),
 * mounted at /kqi/<item>, and the working directory /kqi/tmp.
 */
export interface ConformanceHarness {
  /** A new executor object on the same engine: what a server has after a restart. */
  open(): Promise<Executor>;
  /** An executor of another installation on the same engine. */
  openOther(): Promise<Executor>;
  /** A spec with a new attempt id that runs the job. */
  spec(job: ConformanceJob): LaunchSpec;
  log(attempt: AttemptId): Promise<Buffer>;
  /** A file that the job wrote into /kqi/output; null when there is none. */
  output(attempt: AttemptId, file: string): Promise<string | null>;
  /** How often a job of this attempt came to life: jobs append a line to /kqi/output/ran. */
  timesRun(attempt: AttemptId): Promise<number>;
  /** Makes the job vanish without an exit code, as a crash of its machine would. */
  vanish(attempt: AttemptId): Promise<void>;
  /** What is left of an attempt: processes, containers, folders, groups. In words, for the test's message. */
  traces(attempt: AttemptId): Promise<readonly string[]>;
  /** Lets some time pass: called again and again until a condition holds. */
  wait(): Promise<void>;
  setReachable?(reachable: boolean): void;
  close(): Promise<void>;
}

export interface ConformanceJob {
  readonly command: JobCommand;
  /** The same for an engine that runs nothing: FAKE_… variables. */
  readonly fake?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly limits?: Partial<LaunchSpec['limits']>;
  readonly image?: string;
}

/** What an implementation may lack where it is tested. Its cases are reported as skipped, with this reason. */
export type Ability = 'processes' | 'isolation' | 'memory-limit' | 'pids-limit' | 'reachability';

const ATTEMPTS_TO_WAIT = 3000;
const LOG_LINES = 200_000;
const script = (text: string, more: Partial<ConformanceJob> = {}): ConformanceJob => ({ command: { kind: 'script', text }, ...more });
const list = (...argv: string[]): ConformanceJob => ({ command: { kind: 'list', argv } });
/** `OUT` is a variable, so that it also holds where the job's folders are not really at /kqi. */
const RAN = 'echo ran >>"$OUT/ran"\n';
const exits = (code: number): ConformanceJob => script(`${RAN}exit ${code}`, { fake: { FAKE_EXIT_CODE: String(code) } });
/** Runs until it is stopped, and says in `ready` that it is there. */
const sleeps = (): ConformanceJob => script(`${RAN}echo $$ >"$OUT/ready"\nwhile :; do sleep 60; done`, { fake: { FAKE_RUN_MS: 'forever' } });
const neverAborted = (): AbortSignal => new AbortController().signal;

export function describeExecutorConformance(name: string, makeHarness: () => Promise<ConformanceHarness>, lacks: Partial<Record<Ability, string>> = {}): void {
  describe(`${name} keeps the executor port's promises`, () => {
    let harness: ConformanceHarness;
    let executor: Executor;
    beforeEach(async () => {
      harness = await makeHarness();
      executor = await harness.open();
    });
    afterEach(() => harness.close());

    const promise = (title: string, test: () => Promise<void>, ...needs: Ability[]): void => {
      const missing = needs.find((need) => lacks[need] !== undefined);
      if (missing === undefined) it(title, test);
      else it.skip(`${title} (skipped: ${lacks[missing]})`, test);
    };
    const until = async <T>(what: string, ask: () => Promise<T | null | false | undefined>): Promise<T> => {
      for (let tries = 0; tries < ATTEMPTS_TO_WAIT; tries += 1) {
        const answer = await ask();
        if (answer !== null && answer !== false && answer !== undefined) return answer;
        await harness.wait();
      }
      throw new Error(`Waited in vain until ${what}`);
    };
    const untilOver = (handle: unknown, on = executor): Promise<Observation> =>
      until('the attempt is over', async () => {
        const seen = await on.observe(handle);
        return seen.state === 'exited' || seen.state === 'gone' ? seen : null;
      });
    const exitOf = async (handle: unknown, on = executor): Promise<Exit> => {
      const seen = await untilOver(handle, on);
      if (seen.state !== 'exited') throw new Error(`It did not exit: ${JSON.stringify(seen)}`);
      return seen.exit;
    };
    const run = async (job: ConformanceJob): Promise<{ spec: LaunchSpec; handle: unknown; exit: Exit; log: Buffer }> => {
      const spec = harness.spec(job);
      const handle = await executor.start(spec, neverAborted());
      const exit = await exitOf(handle);
      return { spec, handle, exit, log: await harness.log(spec.attempt) };
    };
    const ready = (attempt: AttemptId): Promise<string> => until('the job is ready', async () => (await harness.output(attempt, 'ready'))?.trim() || null);
    const startSleeping = async (): Promise<{ spec: LaunchSpec; handle: unknown }> => {
      const spec = harness.spec(sleeps());
      const handle = await executor.start(spec, neverAborted());
      await until('the job runs', async () => (await executor.observe(handle)).state === 'running');
      if (lacks.processes === undefined) await ready(spec.attempt);
      return { spec, handle };
    };
    const untilNoTrace = (attempt: AttemptId): Promise<true> =>
      until(`nothing is left of ${attempt}`, async () => ((await harness.traces(attempt)).length === 0 ? true : null));
    const listed = async (on: Executor): Promise<AttemptId[]> => (await on.list()).map(({ attempt }) => attempt);

    promise('starts twice at the same time = one process', async () => {
      const spec = harness.spec(sleeps());
      const handles = await Promise.all([executor.start(spec, neverAborted()), executor.start(spec, neverAborted())]);
      expect(handles[0]).toEqual(handles[1]);
      await executor.stop(handles[0], 'kill');
      await untilOver(handles[0]);
      expect(await harness.timesRun(spec.attempt)).toBeLessThanOrEqual(1);
    });

    promise('starts by two executor objects at the same time = one process', async () => {
      const other = await harness.open();
      const specs = Array.from({ length: 5 }, () => harness.spec(exits(0)));
      const handles = await Promise.all(specs.flatMap((spec) => [executor.start(spec, neverAborted()), other.start(spec, neverAborted())]));
      for (const handle of handles) expect((await exitOf(handle)).code).toBe(0);
      for (const spec of specs) expect(await harness.timesRun(spec.attempt)).toBe(1);
    });

    promise('starts one after the other = one process', async () => {
      const { spec, handle } = await startSleeping();
      expect(await executor.start(spec, neverAborted())).toEqual(handle);
      expect(await (await harness.open()).start(spec, neverAborted())).toEqual(handle);
      expect(await harness.timesRun(spec.attempt)).toBe(1);
      await executor.stop(handle, 'kill');
      await untilOver(handle);
    });

    promise('an attempt that has exited is not run again', async () => {
      const { spec, handle, exit } = await run(exits(3));
      const again = await (await harness.open()).start(spec, neverAborted());
      expect(again).toEqual(handle);
      expect(await exitOf(again)).toEqual(exit);
      expect(await harness.timesRun(spec.attempt)).toBe(1);
    });

    promise('an attempt that has vanished is gone and is not run again', async () => {
      const { spec, handle } = await startSleeping();
      await harness.vanish(spec.attempt);
      expect(await untilOver(handle)).toMatchObject({ state: 'gone' });
      const restarted = await harness.open();
      expect(await untilOver(await restarted.start(spec, neverAborted()), restarted)).toMatchObject({ state: 'gone' });
      expect(await harness.timesRun(spec.attempt)).toBe(1);
    });

    promise('a stop while the start is under way settles, and the attempt ends', async () => {
      const spec = harness.spec(sleeps());
      const starting = executor.start(spec, neverAborted());
      const other = await harness.open();
      const found = await until('it is listed', async () => (await other.list()).find(({ attempt }) => attempt === spec.attempt));
      await other.stop(found.handle, 'kill');
      const handle = await starting;
      await executor.stop(handle, 'kill');
      expect(await untilOver(handle)).toMatchObject({ state: 'exited' });
      expect(await harness.timesRun(spec.attempt)).toBeLessThanOrEqual(1);
    });

    promise('an aborted start can be started again', async () => {
      const spec = harness.spec(exits(0));
      await expect(executor.start(spec, AbortSignal.abort())).rejects.toThrow('abort');
      expect((await exitOf(await executor.start(spec, neverAborted()))).code).toBe(0);
      expect(await harness.timesRun(spec.attempt)).toBe(1);
    });

    promise('kill ends the job, and says so', async () => {
      const { handle } = await startSleeping();
      await executor.stop(handle, 'kill');
      expect(endedBy(await exitOf(handle))).toBe(137);
      await executor.stop(handle, 'kill');
      await executor.stop(handle, 'terminate');
    });

    promise('terminate asks the job to end', async () => {
      const { handle } = await startSleeping();
      await executor.stop(handle, 'terminate');
      expect(endedBy(await exitOf(handle))).toBe(143);
    });

    promise(
      'a job that handles TERM ends in its own way',
      async () => {
        const spec = harness.spec(script('trap "echo saving; sleep 0.1; echo saved; exit 7" TERM\necho $$ >"$OUT/ready"\nwhile :; do sleep 0.05; done'));
        const handle = await executor.start(spec, neverAborted());
        await ready(spec.attempt);
        await executor.stop(handle, 'terminate');
        expect(await exitOf(handle)).toMatchObject({ code: 7, signal: null, failure: null });
        // Where the order goes to all of the job's processes, the shell may say in between that one has ended.
        const said = (await harness.log(spec.attempt)).toString().split('\n');
        expect(said.filter((line) => line === 'saving' || line === 'saved')).toEqual(['saving', 'saved']);
      },
      'processes',
    );

    promise('a job that ignores TERM runs on until it is killed', async () => {
      const spec = harness.spec(
        script('trap "echo no >>\\"$OUT/asked\\"" TERM\necho $$ >"$OUT/ready"\nwhile :; do sleep 0.05; done', {
          fake: { FAKE_RUN_MS: 'forever', FAKE_TERMINATE_MS: 'never' },
        }),
      );
      const handle = await executor.start(spec, neverAborted());
      if (lacks.processes === undefined) await ready(spec.attempt);
      await executor.stop(handle, 'terminate');
      if (lacks.processes === undefined) await until('the job was asked', () => harness.output(spec.attempt, 'asked'));
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
      await executor.stop(handle, 'kill');
      expect(endedBy(await exitOf(handle))).toBe(137);
    });

    for (const code of [0, 1, 137]) {
      promise(`the exit code ${code} is reported as it is`, async () => {
        const { exit } = await run(exits(code));
        expect(exit).toMatchObject({ code, signal: null, failure: null });
        expect(exit.startedAt).not.toBeNull();
        expect(Number(exit.endedAt)).toBeGreaterThanOrEqual(Number(exit.startedAt));
      });
    }

    promise('death by a signal is reported by name or by 128 + its number', async () => {
      const { exit } = await run(script('kill -SEGV $$', { fake: { FAKE_SIGNAL: 'SIGSEGV' } }));
      expect(exit.code === null ? exit.signal : exit.code - 128).toBe(exit.code === null ? 'SIGSEGV' : 11);
    });

    promise(
      'a list is executed as it is, without a shell',
      async () => {
        const { log } = await run(list('printf', '<%s>', 'a b', '$HOME', '"\'\\', 'two\nlines', '*', '', '日本語', '-x; exit 9'));
        expect(log.toString()).toBe('<a b><$HOME><"\'\\><two\nlines><*><><日本語><-x; exit 9>');
      },
      'processes',
    );

    promise(
      'a text is a script',
      async () => {
        const { log, exit } = await run(script('set -u\nname="日本語 \'x\'"\nfor i in 1 2; do\n  echo "$i $name"\ndone\ncat <<EOF\n$((40 + 2))\nEOF\nexit 5'));
        expect(log.toString()).toBe("1 日本語 'x'\n2 日本語 'x'\n42\n");
        expect(exit.code).toBe(5);
      },
      'processes',
    );

    promise(
      'a command that is not there is the fault of whoever asked for it',
      async () => {
        const spec = harness.spec(list('no-such-command', 'x'));
        try {
          const exit = await exitOf(await executor.start(spec, neverAborted()));
          expect(exit).toMatchObject({ code: 127, failure: { class: 'user-error' } });
          expect(exit.failure === null ? '' : runText(exit.failure.words)).toContain('no-such-command');
        } catch (error) {
          if (!isStartRefused(error)) throw error;
          expect(error.failureClass).toBe('user-error');
        }
      },
      'processes',
    );

    promise('an image it has not is refused, and nothing is left behind', async () => {
      const spec = harness.spec({ ...exits(0), image: 'registry.invalid/no/such:image' });
      await expect(executor.start(spec, neverAborted())).rejects.toSatisfy(isStartRefused);
      expect(await listed(executor)).toEqual([]);
      await untilNoTrace(spec.attempt);
    });

    promise(
      'the log keeps the order of a stream',
      async () => {
        const { log } = await run(script('for i in $(seq 2000); do echo "$i"; done; echo end'));
        expect(log.toString()).toBe(`${Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join('')}end\n`);
      },
      'processes',
    );

    promise(
      'the log takes 10 MB, each byte once',
      async () => {
        const { log } = await run(script(`seq -f 'line %09g of a log that is long, with some text in it' ${LOG_LINES}`));
        expect(log.length).toBeGreaterThan(10_000_000);
        const lines = log.toString().split('\n');
        expect(lines.length).toBe(LOG_LINES + 1);
        expect(lines.findIndex((line, i) => i < LOG_LINES && Number(line.slice(5, 14)) !== i + 1)).toBe(-1);
      },
      'processes',
    );

    promise(
      'the log takes bytes that are not UTF-8, and a last line without an end',
      async () => {
        const octal = Array.from({ length: 256 }, (_, i) => `\\${i.toString(8).padStart(3, '0')}`).join('');
        const { log } = await run(list('printf', `${octal}no end`));
        expect(log.equals(Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.from('no end')]))).toBe(true);
      },
      'processes',
    );

    promise(
      'stdout and stderr both reach the log',
      async () => {
        const { log } = await run(script('echo out; echo err >&2; echo out2'));
        expect(log.toString().split('\n').sort()).toEqual(['', 'err', 'out', 'out2']);
      },
      'processes',
    );

    promise(
      'the job has its environment, its working directory, and nothing of the server',
      async () => {
        const environment = { PLAIN: 'a b', QUOTES: `'"\`$HOME\\`, LINES: 'one\n\ntwo\n', EMPTY: '', UNICODE: '値' };
        const { log } = await run(
          script('printf "%s|" "$PLAIN" "$QUOTES" "$LINES" "${EMPTY-unset}" "$UNICODE" "${PATH:+path}" "${HOME:+home}"; pwd; env', { environment }),
        );
        const text = log.toString();
        expect(text).toContain(`a b|'"\`$HOME\\|one\n\ntwo\n||値|path|home|`);
        expect(text.slice(text.lastIndexOf('|') + 1).split('\n')[0]).toMatch(/\/kqi\/tmp$/);
        expect(text).not.toMatch(/VITEST|npm_/);
      },
      'processes',
    );

    promise(
      'writable mounts take files, read-only ones give theirs',
      async () => {
        const { spec, log, exit } = await run(script('cat "$IN/meta.json"; echo result >"$OUT/value.txt"; mkdir -p "$OUT/a/b"; echo x >scratch; cat scratch'));
        expect(exit.code).toBe(0);
        expect(log.toString()).toBe('{}x\n');
        expect(await harness.output(spec.attempt, 'value.txt')).toBe('result\n');
      },
      'processes',
    );

    promise(
      'nothing can be written into a read-only mount',
      async () => {
        const { log, exit } = await run(
          script(
            'for try in "echo bad >\\"$IN/meta.json\\"" "rm -f \\"$IN/meta.json\\"" "touch \\"$IN/new\\"" "mount -o remount,rw /kqi/input"; do if (eval "$try") 2>/dev/null; then echo "done: $try"; fi; done; cat "$IN/meta.json"',
          ),
        );
        expect(log.toString()).toBe('{}');
        expect(exit.code).toBe(0);
      },
      'processes',
      'isolation',
    );

    promise(
      'the whole tree of processes ends with the job',
      async () => {
        const { spec, exit } = await run(
          script('setsid sh -c "trap : TERM HUP; (sleep 300 & sleep 301) & sleep 302" & setsid -f sleep 303; sleep 0.2; exit 4'),
        );
        expect(exit.code).toBe(4);
        await until('all processes are dead', async () => (await harness.traces(spec.attempt)).every((trace) => !trace.startsWith('process')));
      },
      'processes',
    );

    promise(
      'kill ends the whole tree of processes',
      async () => {
        const spec = harness.spec(
          script('setsid sh -c "trap : TERM HUP; (sleep 300 & sleep 301) & sleep 302" & setsid -f sleep 303; echo $$ >"$OUT/ready"; sleep 304'),
        );
        const handle = await executor.start(spec, neverAborted());
        await ready(spec.attempt);
        await executor.stop(handle, 'kill');
        expect(endedBy(await exitOf(handle))).toBe(137);
        await until('all processes are dead', async () => (await harness.traces(spec.attempt)).every((trace) => !trace.startsWith('process')));
      },
      'processes',
    );

    promise('a server that dies before it has stored the handle finds the attempt again', async () => {
      const spec = harness.spec(sleeps());
      await executor.start(spec, neverAborted());
      await executor.close();
      executor = await harness.open();
      expect(await listed(executor)).toContain(spec.attempt);
      const handle = await executor.start(spec, neverAborted());
      expect(await executor.observe(handle)).toEqual({ state: 'running' });
      await executor.stop(handle, 'kill');
      await untilOver(handle);
      expect(await harness.timesRun(spec.attempt)).toBeLessThanOrEqual(1);
    });

    promise('a handle read back after a restart works, and an exit is kept until it is removed', async () => {
      const { spec, handle } = await startSleeping();
      await executor.close();
      executor = await harness.open();
      const stored = executor.handleSchema.parse(JSON.parse(JSON.stringify(handle)));
      expect(await executor.observe(stored)).toEqual({ state: 'running' });
      await executor.stop(stored, 'kill');
      const exit = await exitOf(stored);
      executor = await harness.open();
      expect(await executor.observe(stored)).toEqual({ state: 'exited', exit });
      expect(await listed(executor)).toContain(spec.attempt);
    });

    promise('a job that ended while no server ran is found with its exit code', async () => {
      const spec = harness.spec(script(`${RAN}sleep 0.3; echo late; exit 6`, { fake: { FAKE_RUN_MS: '300', FAKE_EXIT_CODE: '6' } }));
      const handle = await executor.start(spec, neverAborted());
      await executor.close();
      for (let i = 0; i < 40; i += 1) await harness.wait();
      executor = await harness.open();
      expect((await exitOf(handle)).code).toBe(6);
    });

    promise('remove leaves nothing, and can be asked twice', async () => {
      const { spec, handle } = await run(exits(0));
      await executor.remove(handle);
      await untilNoTrace(spec.attempt);
      await executor.remove(handle);
      expect(await executor.observe(handle)).toMatchObject({ state: 'gone' });
      expect(await listed(executor)).toEqual([]);
    });

    promise('remove ends what runs', async () => {
      const { spec, handle } = await startSleeping();
      await executor.remove(handle);
      await untilNoTrace(spec.attempt);
      expect(await executor.observe(handle)).toMatchObject({ state: 'gone' });
    });

    promise('an unknown handle is gone, and stop and remove settle for it', async () => {
      const { handle } = await run(exits(0));
      await executor.remove(handle);
      await executor.stop(handle, 'terminate');
      await executor.stop(handle, 'kill');
      await executor.remove(handle);
      expect(await executor.observe(handle)).toMatchObject({ state: 'gone' });
    });

    promise('list finds everything of this installation and nothing of another', async () => {
      const other = await harness.openOther();
      const [running, ended, foreign] = [harness.spec(sleeps()), harness.spec(exits(0)), harness.spec(sleeps())];
      const runningHandle = await executor.start(running, neverAborted());
      await exitOf(await executor.start(ended, neverAborted()));
      const foreignHandle = await other.start(foreign, neverAborted());
      expect((await listed(executor)).sort()).toEqual([running.attempt, ended.attempt].sort());
      expect(await listed(other)).toEqual([foreign.attempt]);
      expect(await executor.observe(foreignHandle)).toMatchObject({ state: 'gone' });
      await executor.remove(foreignHandle);
      expect(await other.observe(foreignHandle)).toMatchObject({ state: 'running' });
      await executor.remove(runningHandle);
      await other.remove(foreignHandle);
      await untilNoTrace(foreign.attempt);
    });

    promise(
      'a job over its memory limit fails as out of memory',
      async () => {
        const { exit } = await run(
          // An engine hears of it by another way than of the end, and seldom misses it when both come at once.
          script('head -c 400000000 /dev/zero | tail -c 390000000 >/dev/null; code=${PIPESTATUS[1]:-137}; sleep 1; exit $code', {
            limits: { memoryBytes: 64 * 2 ** 20 },
          }),
        );
        expect(exit.failure?.class).toBe('out-of-memory');
      },
      'processes',
      'memory-limit',
    );

    promise(
      'a job cannot have more processes than its limit',
      async () => {
        // They outlive the loop, however slow it is; and sh, unlike bash, does not wait for some of them to end.
        const loop = 'n=0; for i in $(seq 60); do sleep 60 & n=$((n + 1)); done 2>/dev/null; echo "made $n"';
        const { log } = await run(script(`sh -c '${loop}'; exit 0`, { limits: { pids: 20 } }));
        expect(log.toString()).not.toContain('made 60');
      },
      'processes',
      'pids-limit',
    );

    promise('a change is hinted at', async () => {
      const hints: AttemptId[] = [];
      const unsubscribe = executor.onChange((attempt) => hints.push(attempt));
      const spec = harness.spec(exits(0));
      const handle = await executor.start(spec, neverAborted());
      await until('the hint arrives', async () => hints.includes(spec.attempt));
      expect((await exitOf(handle)).code).toBe(0);
      unsubscribe();
    });

    promise('the end of a job of an earlier server is hinted at', async () => {
      const { spec, handle } = await startSleeping();
      await executor.close();
      executor = await harness.open();
      const hints: AttemptId[] = [];
      executor.onChange((attempt) => hints.push(attempt));
      await executor.stop(handle, 'kill');
      await until('the hint arrives', async () => hints.includes(spec.attempt));
    });

    promise(
      'an engine that does not answer changes nothing',
      async () => {
        const { handle } = await startSleeping();
        harness.setReachable?.(false);
        for (const call of [
          () => executor.observe(handle),
          () => executor.list(),
          () => executor.inventory(),
          () => executor.start(harness.spec(exits(0)), neverAborted()),
        ]) {
          await expect(call()).rejects.toSatisfy(isEngineUnreachable);
        }
        harness.setReachable?.(true);
        expect(await executor.observe(handle)).toEqual({ state: 'running' });
      },
      'reachability',
    );

    promise('the inventory names its nodes and what they have', async () => {
      const { nodes } = await executor.inventory();
      expect(nodes.length).toBeGreaterThan(0);
      for (const node of nodes) {
        expect(node.name).not.toBe('');
        expect(node.cpuMilli).toBeGreaterThan(0);
        expect(node.memoryBytes).toBeGreaterThan(0);
        expect(node.problem).toBeNull();
      }
    });
  });
}

/** A shell's way to say how something ended, because engines differ in whether they tell a signal from 128 + its number. */
function endedBy(exit: Exit): number | null {
  if (exit.code !== null) return exit.code;
  return exit.signal === 'SIGKILL' ? 137 : exit.signal === 'SIGTERM' ? 143 : null;
}
