import type { Database } from '#kit/db/open-database.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface RepositoryOfRuns {
  readonly endpoint: GitEndpointId;
  readonly repository: string;
  /** One of its runs has not ended. */
  readonly live: boolean;
}

/**
 * Every repository of which a run names a commit: whatever the run's kind, its request holds it as
 * `{"endpoint": {"id": …}, "repository": …, "commit": …}`. Reads all runs, so it is for rare occasions.
 */
export async function repositoriesOfRuns(db: Database): Promise<readonly RepositoryOfRuns[]> {
  const { rows } = await sql<RepositoryOfRuns>`
    select source -> 'endpoint' ->> 'id' as endpoint, source ->> 'repository' as repository,
      bool_or(runs.state not in ('succeeded', 'failed', 'cancelled')) as live
    from runs, jsonb_path_query(runs.request, '$.** ? (exists(@.endpoint.id) && exists(@.commit))') source
    where source ->> 'repository' is not null
    group by 1, 2`.execute(db);
  return rows;
}
