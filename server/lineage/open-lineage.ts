import type { RunEnd } from '#lineage/open-lineage-store.ts';

/**
 * Runs as OpenLineage run events (https://openlineage.io, specification 2-0-2). Names do not change with what they name:
 * everything lives in the namespace `sodate://<installation>/<tenant>`, with data sets as `dataset/12`, what a run wrote as
 * `training-12/output`, and as job all runs of a kind and name.
 */
const SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const facetSchema = (file: string, name: string): string => `https://openlineage.io/spec/facets/${file}.json#/$defs/${name}`;

export interface OpenLineageOrigin {
  /** `sodate://<installation>/<tenant>` */
  readonly namespace: string;
  /** Who says it: the program, with its version. */
  readonly producer: string;
  readonly version: string;
}

/** A run at one of its two moments, with what it came from. */
export interface RunMoment {
  readonly at: Date;
  readonly end: RunEnd | null;
  readonly run: string;
  readonly kind: string;
  readonly number: number;
  readonly name: string;
  readonly failure: { readonly class: string; readonly message: string } | null;
  readonly written: { readonly files: number; readonly bytes: number } | null;
  readonly datasets: readonly { readonly id: string; readonly number: number; readonly name: string; readonly entries: number }[];
  readonly parents: readonly { readonly id: string; readonly kind: string; readonly number: number; readonly name: string }[];
  readonly commits: readonly { readonly endpoint: string; readonly repository: string; readonly commit: string }[];
}

type Facet = Readonly<Record<string, unknown>>;

export interface OpenLineageDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: Readonly<Record<string, Facet>>;
  readonly inputFacets?: Readonly<Record<string, Facet>>;
  readonly outputFacets?: Readonly<Record<string, Facet>>;
}

export interface OpenLineageEvent {
  readonly eventType: 'START' | RunEnd;
  readonly eventTime: string;
  readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, Facet>> };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Readonly<Record<string, Facet>> };
  readonly inputs: readonly OpenLineageDataset[];
  readonly outputs: readonly OpenLineageDataset[];
  readonly producer: string;
  readonly schemaURL: string;
}

export function toOpenLineage(moment: RunMoment, origin: OpenLineageOrigin): OpenLineageEvent {
  const { namespace, producer } = origin;
  const facet = (file: string, name: string, fields: Facet): Facet => ({ _producer: producer, _schemaURL: facetSchema(file, name), ...fields });
  const [parent] = moment.parents;
  const [code] = moment.commits;
  const repository = code === undefined ? '' : `${namespace}/git/${code.endpoint}/${code.repository.split('/').map(encodeURIComponent).join('/')}`;
  return {
    eventType: moment.end ?? 'START',
    eventTime: moment.at.toISOString(),
    run: {
      runId: moment.run,
      facets: {
        processing_engine: facet('1-1-1/ProcessingEngineRunFacet', 'ProcessingEngineRunFacet', { version: origin.version, name: 'sodate' }),
        ...(parent === undefined
          ? {}
          : {
              parent: facet('1-0-1/ParentRunFacet', 'ParentRunFacet', { run: { runId: parent.id }, job: { namespace, name: jobName(parent) } }),
            }),
        ...(moment.end === null || moment.failure === null
          ? {}
          : {
              errorMessage: facet('1-0-1/ErrorMessageRunFacet', 'ErrorMessageRunFacet', {
                message: `${moment.failure.class}: ${moment.failure.message}`,
                programmingLanguage: 'unknown',
              }),
            }),
      },
    },
    job: {
      namespace,
      name: jobName(moment),
      facets: {
        jobType: facet('2-0-3/JobTypeJobFacet', 'JobTypeJobFacet', { processingType: 'BATCH', integration: 'SODATE', jobType: moment.kind.toUpperCase() }),
        ...(code === undefined
          ? {}
          : {
              sourceCodeLocation: facet('1-0-1/SourceCodeLocationJobFacet', 'SourceCodeLocationJobFacet', {
                type: 'git',
                url: `${repository}@${encodeURIComponent(code.commit)}`,
                repoUrl: repository,
                version: code.commit,
              }),
            }),
      },
    },
    inputs: [
      ...moment.datasets.map((dataset) => ({
        namespace,
        name: `dataset/${dataset.number}`,
        facets: {
          documentation: facet('1-0-1/DocumentationDatasetFacet', 'DocumentationDatasetFacet', { description: dataset.name }),
          // What a run has used does not change any more: its id is its version.
          version: facet('1-0-1/DatasetVersionDatasetFacet', 'DatasetVersionDatasetFacet', { datasetVersion: dataset.id }),
        },
        inputFacets: {
          inputStatistics: facet('1-0-0/InputStatisticsInputDatasetFacet', 'InputStatisticsInputDatasetFacet', { rowCount: dataset.entries }),
        },
      })),
      ...moment.parents.map((run) => ({ namespace, name: outputName(run), facets: {} })),
    ],
    outputs: [
      {
        namespace,
        name: outputName(moment),
        facets: {},
        ...(moment.written === null
          ? {}
          : {
              outputFacets: {
                outputStatistics: facet('1-0-2/OutputStatisticsOutputDatasetFacet', 'OutputStatisticsOutputDatasetFacet', {
                  size: moment.written.bytes,
                  fileCount: moment.written.files,
                }),
              },
            }),
      },
    ],
    producer,
    schemaURL: SCHEMA,
  };
}

const jobName = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind}/${name}`;
const outputName = ({ kind, number }: { readonly kind: string; readonly number: number }): string => `${kind}-${number}/output`;
