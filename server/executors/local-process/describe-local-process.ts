import { describe, it } from 'vitest';
import { type Ability, describeExecutorConformance } from '../executor-conformance.ts';
import { enforcedHere, type HarnessChoice, makeLocalProcessHarness, whyNotHere } from './local-process-harness.ts';

/** The conformance suite in one kind of isolation, or one skipped test that says why it cannot run here. */
export async function describeLocalProcess(choice: HarnessChoice & { readonly isolation: 'bubblewrap' | 'unshare' | 'none' }): Promise<void> {
  const name = `local-process (${choice.isolation}${choice.cgroups === 'off' ? ', no cgroups' : ''})`;
  const reason = await whyNotHere(choice);
  if (reason !== null) {
    describe(name, () => it.skip(`keeps the executor port's promises (skipped: ${reason})`, () => {}));
    return;
  }
  const enforces = await enforcedHere(choice);
  const unlimited = 'no cgroup here that this user may write to';
  const lacks: Partial<Record<Ability, string>> = {
    reachability: 'the machine itself is the engine',
    ...(choice.isolation === 'none' && { isolation: 'a plain process is not isolated' }),
    ...(!enforces.memory && { 'memory-limit': unlimited }),
    ...(!enforces.pids && { 'pids-limit': unlimited }),
  };
  describeExecutorConformance(name, () => makeLocalProcessHarness(choice), lacks);
}
