import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { recordLineage } from '#lineage/lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

/**
 * The published schema (OpenLineage 2-0-2, and of each facet the version that it names itself by), as far as run events
 * have it. Facets are open for more; what is required of each, and of which form, is here.
 */
const Uri = z.string().refine((text) => URL.canParse(text), 'a URI');
const facet = <Shape extends z.ZodRawShape>(name: string, shape: Shape) =>
  z.looseObject({
    _producer: Uri,
    _schemaURL: Uri.refine((text) => new RegExp(`^https://openlineage\\.io/spec/facets/\\d+-\\d+-\\d+/${name}\\.json#/\\$defs/${name}$`).test(text)),
    ...shape,
  });
const Facets = z.record(z.string(), z.looseObject({ _producer: Uri, _schemaURL: Uri }));
const Dataset = z.strictObject({
  namespace: z.string().min(1),
  name: z.string().min(1),
  facets: z
    .strictObject({
      documentation: facet('DocumentationDatasetFacet', { description: z.string() }),
      version: facet('DatasetVersionDatasetFacet', { datasetVersion: z.string() }),
    })
    .partial(),
});
const RunEvent = z.strictObject({
  eventType: z.enum(['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER']),
  eventTime: z.iso.datetime(),
  producer: Uri,
  schemaURL: z.literal('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'),
  run: z.strictObject({
    runId: z.uuid(),
    facets: z.strictObject({
      processing_engine: facet('ProcessingEngineRunFacet', { version: z.string(), name: z.string() }),
      parent: facet('ParentRunFacet', {
        run: z.object({ runId: z.uuid() }),
        job: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
      }).optional(),
      errorMessage: facet('ErrorMessageRunFacet', { message: z.string(), programmingLanguage: z.string() }).optional(),
    }),
  }),
  job: z.strictObject({
    namespace: z.string().min(1),
    name: z.string().min(1),
    facets: z.strictObject({
      jobType: facet('JobTypeJobFacet', { processingType: z.enum(['BATCH', 'STREAMING']), integration: z.string(), jobType: z.string() }),
      sourceCodeLocation: facet('SourceCodeLocationJobFacet', { type: z.string(), url: Uri, repoUrl: Uri, version: z.string() }).optional(),
    }),
  }),
  inputs: z.array(
    Dataset.extend({ inputFacets: z.strictObject({ inputStatistics: facet('InputStatisticsInputDatasetFacet', { rowCount: z.number().int() }) }).optional() }),
  ),
  outputs: z.array(
    Dataset.extend({
      outputFacets: z
        .strictObject({ outputStatistics: facet('OutputStatisticsOutputDatasetFacet', { size: z.number().int(), fileCount: z.number().int() }) })
        .optional(),
    }),
  ),
});

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (minutes: number): Date => new Date(START + minutes * 60_000);

describe('OpenLineage events', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  let platform: TestPlatform;
  let stranger: TestPlatform;
  const ids = new Map<string, string>();
  const idOf = (name: string): string => ids.get(name) ?? '';
  const used = { id: '', number: 0 };
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';
  const ENDPOINT = newId<string>();

  const makeRun = async (name: string, started: number | null, ended: number | null, more: object = {}, tenant: TenantId = platform.tenant): Promise<void> => {
    const id = newId<string>();
    ids.set(name, id);
    const values = {
      kind: 'training',
      memo: '',
      tags: [],
      state: 'succeeded',
      request: '{}',
      warnings: '[]',
      image: 'host',
      cpu_milli: 1,
      memory_bytes: 1,
      gpus: 0,
    };
    const rest = { priority: 0, shape: '', retries: '{}', created_by: platform.user, created_at: at(0), queued_at: at(0), due_at: at(0) };
    const times = { started_at: started === null ? null : at(started), ended_at: ended === null ? null : at(ended) };
    await db()
      .insertInto('runs')
      .values({ ...values, ...rest, ...times, ...more, tenant_id: tenant, id, number: ids.size, name })
      .execute();
  };
  const lines = async (query = '', by = platform): Promise<z.infer<typeof RunEvent>[]> => {
    const answer = await by.call('GET', `lineage/openlineage${query}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const text: string = answer.body;
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => RunEvent.parse(JSON.parse(line)));
  };

  beforeAll(async () => {
    platform = await openTestPlatform(db());
    stranger = await openTestPlatform(db());
    const data = await platform.dataWith({}, 'data');
    Object.assign(used, (await platform.call('POST', 'datasets', { name: 'digits', flatEntries: [data.id] })).body);
    await makeRun('first try', 10, 20);
    await makeRun('second', 15, 30, { state: 'failed', failure_class: 'out-of-memory', failure_message: 'Out of "memory"\n' });
    await makeRun('stopped', null, 30, { state: 'cancelled' });
    await makeRun('going on', 40, null, { state: 'running' });
    await makeRun('theirs', 1, 2, {}, stranger.tenant);
    const { tenant } = platform;
    await db()
      .insertInto('run_datasets')
      .values({ tenant_id: tenant, run_id: idOf('first try'), dataset_id: used.id })
      .execute();
    await db()
      .insertInto('run_parents')
      .values({ tenant_id: tenant, run_id: idOf('second'), parent_id: idOf('first try') })
      .execute();
    await db()
      .insertInto('run_output_files')
      .values([1, 2].map((n) => ({ tenant_id: tenant, run_id: idOf('first try'), path: `model-${n}`, size: 100 * n, digest: '' })))
      .execute();
    const code = { kind: 'commit', id: `${ENDPOINT}:team/a model@v2@${COMMIT}`, label: 'team/model', relation: 'code' } as const;
    await db()
      .transaction()
      .execute((tx) => recordLineage(tx, tenant, { to: { kind: 'run', id: idOf('first try'), label: 'training-1 first try' }, from: [code] }, at(0)));
  });
  afterAll(async () => {
    await platform.close();
    await stranger.close();
  });

  it('tell starts and ends in the order in which they happened', async () => {
    const told = (await lines()).map(({ eventType, eventTime, run }) => [eventType, eventTime, [...ids].find(([, id]) => id === run.runId)?.[0]]);
    expect(told).toEqual([
      ['START', at(10).toISOString(), 'first try'],
      ['START', at(15).toISOString(), 'second'],
      ['COMPLETE', at(20).toISOString(), 'first try'],
      ['FAIL', at(30).toISOString(), 'second'],
      ['ABORT', at(30).toISOString(), 'stopped'],
      ['START', at(40).toISOString(), 'going on'],
    ]);
  });

  it('name what went in and came out, the code, the parent and the failure', async () => {
    const [start, , complete, failed] = await lines();
    expect(complete).toMatchObject({
      job: {
        name: 'training/first try',
        facets: {
          sourceCodeLocation: {
            type: 'git',
            version: COMMIT,
            repoUrl: expect.stringMatching(new RegExp(`^sodate://test/t/git/${ENDPOINT}/team/a%20model%40v2$`)),
          },
        },
      },
      inputs: [
        {
          name: `dataset/${used.number}`,
          facets: { documentation: { description: 'digits' }, version: { datasetVersion: used.id } },
          inputFacets: { inputStatistics: { rowCount: 1 } },
        },
      ],
      outputs: [{ name: 'training-1/output', outputFacets: { outputStatistics: { size: 300, fileCount: 2 } } }],
    });
    expect(start?.outputs).toEqual([{ namespace: 'sodate://test/t', name: 'training-1/output', facets: {} }]);
    expect(failed).toMatchObject({
      run: {
        facets: {
          parent: { run: { runId: idOf('first try') }, job: { namespace: 'sodate://test/t', name: 'training/first try' } },
          errorMessage: { message: 'out-of-memory: Out of "memory"\n' },
        },
      },
      // What came out of one is what goes into the other.
      inputs: complete?.outputs.map(({ namespace, name }) => ({ namespace, name })),
    });
  });

  it('begin where they are asked to, and can be of one run', async () => {
    expect((await lines(`?since=${at(20).toISOString()}`)).map(({ eventType }) => eventType)).toEqual(['COMPLETE', 'FAIL', 'ABORT', 'START']);
    expect(await lines('?since=2030-01-01T00:00:00Z')).toEqual([]);
    expect((await lines(`?run=${idOf('second')}`)).map(({ eventType }) => eventType)).toEqual(['START', 'FAIL']);
    expect((await lines('?run=training-1')).map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE']);
    expect((await platform.call('GET', 'lineage/openlineage?run=training-99')).body).toMatchObject({ code: 'not-found' });
    expect((await platform.call('GET', 'lineage/openlineage?since=yesterday')).body).toMatchObject({ code: 'invalid-request' });
  });

  it("are nobody else's", async () => {
    expect((await lines('', stranger)).map(({ run }) => run.runId)).toEqual([idOf('theirs'), idOf('theirs')]);
    expect((await stranger.call('GET', `lineage/openlineage?run=${idOf('second')}`)).body).toMatchObject({ code: 'not-found' });
  });

  it('come whole when they are many, also where many happened at the same instant', async () => {
    const user = platform.user;
    const crowd = await openTestPlatform(db());
    for (let n = 0; n < 3; n += 1)
      await db()
        .insertInto('runs')
        .values(
          Array.from({ length: 400 }, (_nothing, nth) => ({
            ...{
              tenant_id: crowd.tenant,
              id: newId<string>(),
              kind: 'task',
              number: 10_000 + n * 400 + nth,
              name: 'crowd',
              memo: '',
              tags: [],
              state: 'succeeded',
            },
            ...{
              request: '{}',
              warnings: '[]',
              image: 'host',
              cpu_milli: 1,
              memory_bytes: 1,
              gpus: 0,
              priority: 0,
              shape: '',
              retries: '{}',
              created_by: user,
            },
            ...{ created_at: at(0), queued_at: at(0), due_at: at(0), started_at: at(1), ended_at: at(nth % 2 === 0 ? 1 : 2) },
          })),
        )
        .execute();
    const events = await lines('', crowd);
    expect(events).toHaveLength(2_400);
    expect(new Set(events.map(({ eventType, run }) => `${eventType} ${run.runId}`)).size).toBe(2_400);
    expect(events.map(({ eventTime }) => eventTime)).toEqual(events.map(({ eventTime }) => eventTime).toSorted());
    await crowd.close();
  });

  it('have facets that are all of a published kind', async () => {
    for (const { run, job, inputs } of await lines())
      for (const facets of [run.facets, job.facets, ...inputs.map((input) => input.facets)]) expect(Facets.safeParse(facets).error).toBeUndefined();
  });
});
