import { z } from 'zod';
import { DataId, DatasetId, ThingRef } from './ids.ts';
import { Memo, Title } from './names.ts';
import { Instant, PageQuery, pageOf, Person, SearchText } from './paging.ts';
import { defineRoute } from './route.ts';
import { SearchParameters } from './search.ts';
import { TenantParams } from './tenants.ts';

/** The parts of a typed data set, in the order in which they are shown. */
export const DATA_TYPES = ['training', 'testing', 'validation'] as const;
export const DataType = z.enum(DATA_TYPES);
export type DataType = z.infer<typeof DataType>;

export const ENTRIES_PER_DATASET_LIMIT = 100_000;

export const Dataset = z.object({
  id: DatasetId,
  number: z.number().int(),
  name: z.string(),
  memo: z.string(),
  /** A flat set has no types. */
  flat: z.boolean(),
  /** Used by a run: its entries can no longer change. */
  locked: z.boolean(),
  entryCount: z.number().int(),
  createdAt: Instant,
  createdBy: Person,
});
export type Dataset = z.infer<typeof Dataset>;

export const DatasetEntry = z.object({ id: DataId, number: z.number().int(), name: z.string(), tags: z.array(z.string()) });

export const DatasetDetails = Dataset.extend({
  /** One list per type; for a flat set all are empty. */
  entries: z.object({ training: z.array(DatasetEntry), testing: z.array(DatasetEntry), validation: z.array(DatasetEntry) }),
  flatEntries: z.array(DatasetEntry),
});
export type DatasetDetails = z.infer<typeof DatasetDetails>;

const Refs = z.array(ThingRef).max(ENTRIES_PER_DATASET_LIMIT);

/** Either `entries` by type or `flatEntries`, not both; a data appears at most once in each list. */
export const DatasetEntriesInput = {
  entries: z.strictObject({ training: Refs.default([]), testing: Refs.default([]), validation: Refs.default([]) }).optional(),
  flatEntries: Refs.optional(),
};

const DatasetParams = TenantParams.extend({ dataset: ThingRef });

export const listDatasets = defineRoute({
  id: 'datasets.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/datasets',
  permission: 'tenant-viewer',
  summary: 'Data sets, newest first',
  params: TenantParams,
  query: PageQuery.extend({ text: SearchText, ...SearchParameters }),
  response: pageOf(Dataset),
  errors: ['search-not-understood', 'search-too-slow'],
});

export const createDataset = defineRoute({
  id: 'datasets.create',
  method: 'POST',
  path: '/v1/tenants/{tenant}/datasets',
  permission: 'tenant-member',
  summary: 'Create a data set from data',
  params: TenantParams,
  body: z.strictObject({ name: Title, memo: Memo.default(''), ...DatasetEntriesInput }),
  response: DatasetDetails,
  status: 201,
  idempotent: true,
});

export const getDataset = defineRoute({
  id: 'datasets.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/datasets/{dataset}',
  permission: 'tenant-viewer',
  summary: 'One data set with its entries',
  params: DatasetParams,
  response: DatasetDetails,
});

export const updateDataset = defineRoute({
  id: 'datasets.update',
  method: 'PATCH',
  path: '/v1/tenants/{tenant}/datasets/{dataset}',
  permission: 'tenant-member',
  summary: 'Change name or memo; entries only while it is not locked',
  params: DatasetParams,
  body: z.strictObject({ name: Title.optional(), memo: Memo.optional(), ...DatasetEntriesInput }),
  response: DatasetDetails,
  errors: ['locked'],
});

export const copyDataset = defineRoute({
  id: 'datasets.copy',
  method: 'POST',
  path: '/v1/tenants/{tenant}/datasets/{dataset}/copy',
  permission: 'tenant-member',
  summary: 'An unlocked copy, to be changed',
  params: DatasetParams,
  body: z.strictObject({ name: Title.optional() }),
  response: DatasetDetails,
  status: 201,
});

export const archiveDataset = defineRoute({
  id: 'datasets.archive',
  method: 'GET',
  path: '/v1/tenants/{tenant}/datasets/{dataset}/archive',
  permission: 'tenant-viewer',
  summary: 'The files of a data set by type and data, as jobs see them below /kqi/input, as a zip made while it is read',
  params: DatasetParams,
  answers: 'bytes',
  errors: ['archives-busy', 'too-many'],
});

export const deleteDataset = defineRoute({
  id: 'datasets.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/datasets/{dataset}',
  permission: 'tenant-member',
  summary: 'Delete a data set that no run has used',
  params: DatasetParams,
  errors: ['in-use'],
});

export const datasetRoutes = [listDatasets, createDataset, getDataset, updateDataset, copyDataset, deleteDataset, archiveDataset];
