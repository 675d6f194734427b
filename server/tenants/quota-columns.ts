import { SodateError } from '@sodate/contract/errors.ts';
import type { Quota } from '@sodate/contract/tenants.ts';

/** A quota as the database holds it: thousandths of a core, bytes, whole GPUs. */
export interface QuotaColumns {
  readonly quota_cpu_milli: number | null;
  readonly quota_memory_bytes: number | null;
  readonly quota_gpus: number | null;
}

/** Far above any machine, far below where numbers lose whole units. */
const MAX_CORES = 1e9;
const MAX_GPUS = 1e9;

export function toQuotaColumns(quota: Quota): QuotaColumns {
  const { cpu, memory, gpus } = quota;
  if (cpu !== null && cpu > MAX_CORES) throw new SodateError('invalid-request', { details: `body.quota.cpu: at most ${MAX_CORES} cores` });
  if (gpus !== null && gpus > MAX_GPUS) throw new SodateError('invalid-request', { details: `body.quota.gpus: at most ${MAX_GPUS}` });
  return {
    // A tiny quota must not round to 0, which the database refuses.
    quota_cpu_milli: cpu === null ? null : Math.max(1, Math.round(cpu * 1000)),
    quota_memory_bytes: memory,
    quota_gpus: gpus,
  };
}

export const toQuota = (columns: QuotaColumns): Quota => ({
  cpu: columns.quota_cpu_milli === null ? null : columns.quota_cpu_milli / 1000,
  memory: columns.quota_memory_bytes,
  gpus: columns.quota_gpus,
});
