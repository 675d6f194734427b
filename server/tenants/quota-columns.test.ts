import { describe, expect, it } from 'vitest';
import { toQuota, toQuotaColumns } from './quota-columns.ts';

describe('quota columns', () => {
  it('come back as they went in, to a thousandth of a core', () => {
    for (const quota of [
      { cpu: null, memory: null, gpus: null },
      { cpu: 2.5, memory: 64e12, gpus: 0 },
      { cpu: 0.001, memory: 1, gpus: 8 },
    ]) {
      expect(toQuota(toQuotaColumns(quota))).toEqual(quota);
    }
    expect(toQuotaColumns({ cpu: 0.00001, memory: null, gpus: null }).quota_cpu_milli).toBe(1);
  });

  it('refuse what the database could not hold', () => {
    expect(() => toQuotaColumns({ cpu: 1e300, memory: null, gpus: null })).toThrow('body.quota.cpu');
    expect(() => toQuotaColumns({ cpu: null, memory: null, gpus: 2 ** 40 })).toThrow('body.quota.gpus');
  });
});
