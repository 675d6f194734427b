import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { RunKindName, RunState } from '@sodate/contract/runs.ts';

export interface FoundRun {
  readonly id: RunId;
  readonly kind: RunKindName;
  readonly number: number;
  readonly name: string;
  readonly state: RunState;
  readonly attempt: number;
  readonly attemptId: string | null;
}

const UUID = /^[0-9a-f]{8}-/i;

/**
 * Finds a run of a tenant by id, by kind and number (`training-12`), or by number alone where `kind` says which.
 * @throws SodateError `not-found` for unknown ones and for those of other tenants alike
 */
export async function findRun(db: Database, tenant: TenantId, reference: string, kind?: RunKindName): Promise<FoundRun> {
  const query = db.selectFrom('runs').select(['id', 'kind', 'number', 'name', 'state', 'attempt', 'attempt_id']).where('tenant_id', '=', tenant);
  const named = /^(?:([a-z]+)-|#)?([0-9]+)$/.exec(reference);
  const wanted = named?.[1] ?? kind;
  const row = UUID.test(reference)
    ? await query.where('id', '=', reference).executeTakeFirst()
    : wanted === undefined || named === null
      ? undefined
      : await query.where('kind', '=', wanted).where('number', '=', Number(named[2])).executeTakeFirst();
  if (row === undefined || (kind !== undefined && row.kind !== kind)) throw new SodateError('not-found', { thing: kind ?? 'run', reference });
  return {
    id: row.id as RunId,
    kind: row.kind as RunKindName,
    number: row.number,
    name: row.name,
    state: row.state as RunState,
    attempt: row.attempt,
    attemptId: row.attempt_id,
  };
}
