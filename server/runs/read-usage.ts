import { isEngineUnreachable } from '#executors/executor.ts';
import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Usage } from '@sodate/contract/runs.ts';
import type { z } from 'zod';

/**
 * What an attempt uses now, asked of its engine; null when it does not run, or when this server's executors cannot tell.
 * @throws SodateError `engine-unreachable`
 */
export async function readUsage(
  executors: ExecutorRegistry,
  attempt: { readonly executor: string; readonly handle: unknown; readonly ended_at: Date | null } | undefined,
): Promise<z.input<typeof Usage> | null> {
  if (attempt === undefined || attempt.handle === null || attempt.ended_at !== null) return null;
  const executor = executors.get(attempt.executor);
  if (executor?.usage === undefined) return null;
  try {
    const usage = await executor.usage(executor.handleSchema.parse(attempt.handle));
    if (usage === null) return null;
    const { at, cpuMs, memoryBytes, networkReceivedBytes, networkSentBytes } = usage;
    return { at: at.toISOString(), cpuSeconds: cpuMs / 1000, memory: memoryBytes, networkReceived: networkReceivedBytes, networkSent: networkSentBytes };
  } catch (error) {
    if (isEngineUnreachable(error)) throw new SodateError('engine-unreachable', {}, { cause: error });
    throw error;
  }
}
