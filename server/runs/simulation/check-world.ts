import { type World, isRetryable, nameIds } from '#runs/simulation/engine-world.ts';
import { PLATFORM } from '#runs/simulation/simulated-server.ts';
import { isEnded, RUN_MOVES } from '#runs/run-states.ts';
import { FAILURE_CLASSES } from '@sodate/contract/failures.ts';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { runText, RunWords } from '@sodate/contract/run-words.ts';
import type { RunState } from '@sodate/contract/runs.ts';

type Claim = (holds: boolean, promise: string) => void;

function collect(world: World): { readonly broken: string[]; readonly claim: Claim } {
  const broken: string[] = [...world.unexplained];
  return { broken, claim: (holds, promise) => void (holds || broken.push(nameIds(world, promise))) };
}

const readRuns = (world: World) => world.db.selectFrom('runs').selectAll().orderBy('id').execute();
const readAttempts = (world: World) => world.db.selectFrom('attempts').selectAll().orderBy('run_id').orderBy('number').execute();

/** The text is what its code says, and there is no text without one. */
function isSaid(text: string, stored: unknown): boolean {
  const words = RunWords.nullable().parse(stored);
  return words === null ? text === '' : words.code !== 'as-written' && text === runText(words);
}

/** What must hold at every moment, whatever is under way. */
export async function checkAlways(world: World): Promise<readonly string[]> {
  const { broken, claim } = collect(world);
  const [runs, attempts, allocations] = [await readRuns(world), await readAttempts(world), await world.db.selectFrom('gpu_allocations').selectAll().execute()];
  const held = attempts.filter((attempt) => attempt.released_at === null);

  for (const run of runs) {
    const own = held.filter((attempt) => attempt.run_id === run.id);
    const live = !isEnded(run.state as RunState) && run.state !== 'queued';
    claim(own.length === (live ? 1 : 0), `${run.id} is ${run.state} and holds ${own.length} attempts`);
    claim(
      own.every((attempt) => attempt.id === run.attempt_id),
      `${run.id} holds an attempt that is not its present one`,
    );
    const numbers = attempts.filter((attempt) => attempt.run_id === run.id).map(({ number }) => number);
    claim(
      numbers.every((number, index) => number === index + 1) && numbers.length === run.attempt,
      `${run.id}: attempts ${numbers.join()}, counted ${run.attempt}`,
    );
  }

  for (const node of world.nodes) {
    const here = held.filter((attempt) => attempt.node_id === node.id);
    const cpu = here.reduce((sum, attempt) => sum + attempt.cpu_milli, 0);
    claim(cpu <= node.cpuMilli, `${node.name} has ${node.cpuMilli} mCPU and gives ${cpu}`);
    const given = here.flatMap(({ gpus }) => gpus);
    claim(new Set(given).size === given.length, `${node.name} gives one GPU twice: ${given.join()}`);
  }
  const wanted = held.flatMap((attempt) => attempt.gpus.map((gpu) => `${attempt.node_id} ${gpu} ${attempt.id}`)).toSorted();
  const booked = allocations.map((row) => `${row.node_id} ${row.gpu} ${row.attempt_id}`).toSorted();
  claim(JSON.stringify(wanted) === JSON.stringify(booked), `GPUs held: ${wanted.join('; ')}, booked: ${booked.join('; ')}`);

  const passesUnderWay = new Set([...world.servers.values()].filter(({ underWay }) => underWay.has('schedule')).map(({ process }) => process));
  for (const tenant of world.tenants) {
    const own = held.filter((attempt) => attempt.tenant_id === tenant.id);
    const cpu = own.reduce((sum, attempt) => sum + attempt.cpu_milli, 0);
    const gpus = own.reduce((sum, attempt) => sum + attempt.gpus.length, 0);
    const keeps = cpu <= (tenant.quota.cpuMilli ?? Infinity) && gpus <= (tenant.quota.gpus ?? Infinity);
    if (tenant.lenient !== null) {
      for (const pass of tenant.lenient.passes) if (!passesUnderWay.has(pass)) tenant.lenient.passes.delete(pass);
      if (keeps && tenant.lenient.passes.size === 0) tenant.lenient = null;
    } else claim(keeps, `a tenant with the quota ${JSON.stringify(tenant.quota)} holds ${cpu} mCPU and ${gpus} GPUs`);
  }

  const live = world.engine.live();
  const heldIds = new Set(held.map(({ id }) => id));
  for (const attempt of world.engine.known(PLATFORM))
    claim(heldIds.has(attempt) || world.truths.get(attempt)?.startedLate === true, 'an attempt was given up and is still in the engine');
  for (const [attempt, truth] of world.truths)
    claim(world.engine.timesStarted(attempt) <= 1 || truth.startedLate, `an attempt was started ${world.engine.timesStarted(attempt)} times`);
  const rightful = live.filter(({ attempt }) => world.truths.get(attempt)?.startedLate !== true);
  for (const { attempt, run } of rightful) claim(heldIds.has(attempt), `${run}: an attempt lives that no row holds`);
  const liveRuns = rightful.map(({ run }) => run);
  claim(new Set(liveRuns).size === liveRuns.length, `two attempts of one run live: ${liveRuns.join()}`);
  const usedGpus = rightful.flatMap(({ node, gpus }) => gpus.map((gpu) => `${node} ${gpu}`));
  claim(new Set(usedGpus).size === usedGpus.length, `a GPU is used twice: ${usedGpus.join()}`);
  return broken;
}

/** What must hold when everything has come to rest: every run's whole story, against what really happened. */
export async function checkAtRest(world: World): Promise<readonly string[]> {
  const { broken, claim } = collect(world);
  const [runs, attempts] = [await readRuns(world), await readAttempts(world)];
  const timeline = await world.db.selectFrom('run_timeline').selectAll().orderBy('seq').execute();
  claim(runs.length === world.runs.filter(({ deleted }) => !deleted).length, 'a run is missing, or there is one too many');
  claim(world.engine.known(PLATFORM).length === 0, `left in the engine: ${world.engine.known(PLATFORM).length}`);
  const blockers = await world.db.selectFrom('queue_blockers').selectAll().execute();
  claim(blockers.length === 0, `nothing waits, and there are blockers: ${JSON.stringify(blockers)}`);

  for (const run of runs) {
    const submitted = world.runs.find(({ id }) => id === run.id);
    const own = attempts.filter((attempt) => attempt.run_id === run.id);
    const last = own.at(-1);
    claim(isEnded(run.state as RunState), `${run.id} has not ended: ${run.state}`);

    const steps = timeline.filter((step) => step.run_id === run.id);
    claim(
      steps[0]?.state === 'queued' && steps.at(-1)?.state === run.state,
      `${run.id}: its timeline begins with ${steps[0]?.state} and ends with ${steps.at(-1)?.state}`,
    );
    for (const step of steps) claim(isSaid(step.note, step.words), `${run.id}: the note of ${step.state} has no code that says it: ${step.note}`);
    for (const row of [run, ...own])
      claim(isSaid(row.failure_message ?? '', row.failure_words), `${run.id}: a failure without its code: ${row.failure_message}`);
    steps.slice(1).forEach((step, index) => {
      const before = steps[index];
      if (before === undefined) return;
      claim(RUN_MOVES[before.state as RunState][step.state as RunState] !== undefined, `${run.id}: went from ${before.state} to ${step.state}`);
      claim(
        step.attempt === before.attempt + (step.state === 'starting' ? 1 : 0),
        `${run.id}: attempt ${before.attempt} became ${step.attempt} at ${step.state}`,
      );
      // The one move that a person makes beside the holder of the claim, who may have looked at its clock before.
      claim(step.at >= before.at || before.state === 'stopping', `${run.id}: its timeline goes back in time at ${step.state}`);
    });

    for (const attempt of own) {
      const truth = world.truths.get(attempt.id as AttemptId);
      const name = `${run.id}, attempt ${attempt.number}`;
      claim(attempt.released_at !== null, `${name}: not released`);
      const { failure_class: failure } = attempt;
      if (attempt.exit_code !== null)
        claim(truth?.script.exitCode === attempt.exit_code, `${name}: exit code ${attempt.exit_code}, really ${truth?.script.exitCode}`);
      if (attempt.signal !== null) claim(truth?.script.signal === attempt.signal || run.stop_reason !== null, `${name}: ended by ${attempt.signal}`);
      const reasons = [
        truth?.script.vanishes || truth?.vanished ? 'node-lost' : null,
        (truth?.unknownErrors ?? 0) > 0 ? 'platform' : null,
        truth?.script.failure ?? null,
        truth?.script.refuses ?? null,
        truth?.script.exitCode !== 0 || attempt.signal !== null ? 'user-error' : null,
      ];
      if (failure !== null) claim(reasons.includes(failure), `${name}: said to have failed by ${failure}, really ${reasons.join() || 'not at all'}`);
      if (attempt.number < own.length) claim(isRetryable(failure), `${name}: tried again after ${failure}`);
    }

    const tries = new Map<string, number>();
    for (const { failure_class: failure } of own.slice(0, -1)) tries.set(failure ?? '', (tries.get(failure ?? '') ?? 0) + 1);
    const counted = run.retries as Record<string, number>;
    // A run that was cancelled while it waited for another try has no further attempt.
    const finalTry = run.state === 'cancelled' && steps.at(-2)?.state === 'queued' ? (last?.failure_class ?? null) : null;
    if (finalTry !== null) tries.set(finalTry, (tries.get(finalTry) ?? 0) + 1);
    for (const [failure, count] of tries) {
      claim(counted[failure] === count, `${run.id}: ${count} tries after ${failure}, counted ${counted[failure]}`);
      claim(!isRetryable(failure) || count <= FAILURE_CLASSES[failure].automaticRetries, `${run.id}: ${count} tries after ${failure} are too many`);
    }
    switch (run.state) {
      case 'succeeded':
        claim(last?.exit_code === 0 && last.failure_class === null && run.stop_reason === null, `${run.id} succeeded: ${JSON.stringify(last)}`);
        claim(
          run.output_value === `result of ${submitted?.name}` && run.failure_class === null && run.exit_code === 0,
          `${run.id} succeeded without its result`,
        );
        break;
      case 'failed': {
        const { failure_class: failure } = run;
        claim(
          run.stop_reason === 'time-limit' ? failure === 'time-limit' && submitted?.timeLimitSeconds !== null : failure === last?.failure_class,
          `${run.id} failed by ${failure}, its attempt by ${last?.failure_class}`,
        );
        if (isRetryable(failure))
          claim(
            (tries.get(failure) ?? 0) === FAILURE_CLASSES[failure].automaticRetries,
            `${run.id} failed by ${failure} after ${tries.get(failure) ?? 0} tries only`,
          );
        break;
      }
      case 'cancelled':
        claim(run.stop_reason === 'asked', `${run.id} was cancelled, and nobody had asked`);
        claim(run.failure_class === null, `${run.id} was cancelled, and shows the failure ${run.failure_class}`);
        break;
    }
    const stop = submitted?.stopAcknowledged ?? null;
    if (stop === null || isEnded(stop.state as RunState)) continue;
    claim(own.length === stop.attempt, `${run.id} was asked to stop at attempt ${stop.attempt}, and got to ${own.length}`);
    if (stop.state !== 'finishing' && !stop.timeLimitOver)
      claim(run.state === 'cancelled', `${run.id} was asked to stop while ${stop.state}, and is ${run.state}`);
  }
  return broken;
}
