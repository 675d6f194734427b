import { isAboutDatabase } from '#kit/db/database-errors.ts';
import type { Caller } from '#kit/http/access.ts';
import { inGroups } from '#kit/in-groups.ts';
import { addTogether, appendPoints, type NewPoint, type Parameter, setParameters } from '#metrics/metrics.ts';
import { checkWritable, type MlflowParts, referenceOf, type RunAsked } from '#mlflow/mlflow-parts.ts';
import { findTrackableRuns, insertionOfLabels, type Label, setLabelsOfRuns, setRunLabels } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';

/** What a request says of one run. */
export interface Said {
  readonly points: readonly NewPoint[];
  readonly parameters: readonly Parameter[];
  readonly labels: readonly Label[];
}

interface LogAsk {
  readonly caller: Caller;
  readonly tenant: TenantId;
  readonly run: RunAsked;
  readonly said: Said;
}

/** Points, parameters and tags in one transaction: some ten milliseconds of packing. */
const TOGETHER_LIMIT = 5_000;

type Outcome = { readonly stored: RunId } | { readonly alone: RunId } | { readonly refused: unknown };
type Writable = Exclude<Outcome, { readonly stored: RunId }>;

/**
 * Stores all of what a request says of a run or nothing, and answers when it is durable. What requests of a tenant say at the
 * same time is stored in one transaction. A request that is not plain (it says something else of a parameter, nears a limit,
 * comes to a run that somebody holds) is stored in one of its own, and so is each of a group that the database refuses: what
 * is wrong with one hurts no other.
 * @throws SodateError `not-found`, `not-allowed`, `wrong-state`; `metrics-limit`; `invalid-request` for a parameter that is set
 */
export function makeLogger({ db }: Pick<MlflowParts, 'db'>): (ask: LogAsk) => Promise<void> {
  const logTogether = inGroups<LogAsk, Outcome>(
    {
      laneOf: ({ tenant }) => tenant,
      weightLimit: TOGETHER_LIMIT,
      weightOf: ({ said }) => said.points.length + said.parameters.length + said.labels.length,
    },
    async (asks) => {
      const tenant = asks[0]?.tenant as TenantId;
      const found = await findTrackableRuns(
        db,
        tenant,
        asks.map(({ run }) => referenceOf(run)),
      );
      const writable = found.map((each, at) => checked((asks[at] as LogAsk).caller, each));
      const stored = await storeTogether(tenant, asks, writable);
      return writable.map((each) => ('alone' in each && stored.has(each.alone) ? { stored: each.alone } : each));
    },
  );

  /** @returns the runs of which all was stored */
  async function storeTogether(tenant: TenantId, asks: readonly LogAsk[], writable: readonly Writable[]): Promise<ReadonlySet<RunId>> {
    const byRun = new Map<RunId, Said>();
    for (const [at, ask] of asks.entries()) {
      const each = writable[at];
      if (each !== undefined && 'alone' in each) byRun.set(each.alone, joined(byRun.get(each.alone), ask.said));
    }
    const runs = [...byRun];
    if (runs.length === 0) return new Set();
    const additions = runs.filter(([, { points, parameters }]) => points.length + parameters.length > 0).map(([run, said]) => ({ run, ...said }));
    const labelsBut = (left: ReadonlySet<RunId>) => runs.flatMap(([run, { labels }]) => (left.has(run) ? [] : labels.map((label) => ({ run, ...label }))));
    try {
      if (additions.length === 0) {
        await setLabelsOfRuns(db, tenant, labelsBut(new Set()));
        return new Set(byRun.keys());
      }
      const left = await db.transaction().execute((tx) =>
        addTogether(tx, tenant, additions, (those) => {
          const labels = labelsBut(those);
          return labels.length === 0 ? [] : [insertionOfLabels(tenant, labels)];
        }),
      );
      return new Set([...byRun.keys()].filter((run) => !left.has(run)));
    } catch (error) {
      if (isAboutDatabase(error)) throw error;
      return new Set();
    }
  }

  async function logAlone(tenant: TenantId, run: RunId, { points, parameters, labels }: Said): Promise<void> {
    await db.transaction().execute(async (tx) => {
      await appendPoints(tx, { tenant, run, origin: 'api', beyondLimits: 'refuse', points });
      const [changed] = await setParameters(tx, tenant, run, parameters);
      if (changed !== undefined) throw parameterIsSet(changed.name, changed.present, changed.value, run);
      await setRunLabels(tx, tenant, run, labels);
    });
  }

  return async (ask) => {
    const outcome = await logTogether(ask);
    if ('refused' in outcome) throw outcome.refused;
    if ('alone' in outcome) await logAlone(ask.tenant, outcome.alone, ask.said);
  };
}

function checked(caller: Caller, found: Awaited<ReturnType<typeof findTrackableRuns>>[number]): Writable {
  if ('missing' in found) return { refused: found.missing };
  try {
    checkWritable(caller, found);
    return { alone: found.id };
  } catch (refused) {
    return { refused };
  }
}

const joined = (before: Said | undefined, said: Said): Said =>
  before === undefined
    ? said
    : {
        points: [...before.points, ...said.points],
        parameters: [...before.parameters, ...said.parameters],
        labels: [...before.labels, ...said.labels],
      };

/** In MLflow's words, which say what is usually wrong. */
const parameterIsSet = (key: string, old: string, now: string, run: string): SodateError =>
  new SodateError('invalid-request', {
    details: `Changing param values is not allowed. Param with key='${key}' was already logged with value='${old}' for run ID='${run}'. Attempted logging new value '${now}'`,
  });
