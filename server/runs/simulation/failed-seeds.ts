import failed from './failed-seeds.json' with { type: 'json' };

/** Seeds that have failed once. They are always run first, whatever else is run. */
export const FAILED_SEEDS: { readonly placement: readonly number[]; readonly engine: readonly number[] } = failed;
