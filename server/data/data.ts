import { findDataRow, type FoundData } from '#data/data-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/**
 * Data, for other features: named bags of files. A file that was acknowledged is durable, and stays as it was until it is
 * deleted; equal files of a tenant are one blob. Files change only where no locked data set contains the data.
 */

/** @throws SodateError `not-found` */
export const findData = (db: Database, tenant: TenantId, reference: string): Promise<FoundData> => findDataRow(db, tenant, reference);
