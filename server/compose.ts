import { makeAccess } from '#access/access.ts';
import { bindSessionRoutes } from '#access/session-routes.ts';
import { makeContent } from '#content/content.ts';
import { bindDataRoutes } from '#data/data-routes.ts';
import { DATA_LIST } from '#data/data-search.ts';
import { sweepObjects } from '#data/sweep-objects.ts';
import { makeUploadGate } from '#data/upload-gate.ts';
import { bindDatasetRoutes } from '#datasets/dataset-routes.ts';
import { DATASET_LIST } from '#datasets/dataset-search.ts';
import { type Executor, type StageFolders, StartRefused } from '#executors/executor.ts';
import { makeExecutorRegistry } from '#executors/executor-registry.ts';
import { makeGit } from '#git/git.ts';
import { bindGitCredentialRoutes } from '#git/git-credential-routes.ts';
import { bindGitRoutes } from '#git/git-routes.ts';
import { inferenceKind } from '#inference/inference-kind.ts';
import { bindInferenceRoutes } from '#inference/inference-routes.ts';
import type { Clock } from '#kit/clock.ts';
import { type DatabaseAddress, openDatabase } from '#kit/db/open-database.ts';
import { openSearches } from '#kit/db/open-searches.ts';
import { migrate } from '#kit/db/migrate.ts';
import type { Home } from '#kit/home.ts';
import { makeArchives } from '#kit/archives/archives.ts';
import { makeForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { makeDiskReserve } from '#kit/disk-reserve.ts';
import { makeBinder } from '#kit/http/bind-route.ts';
import { IDEMPOTENCY_KEY_HOURS, sweepIdempotencyKeys } from '#kit/http/idempotency.ts';
import { type JobDoor, makeJobDoor } from '#kit/http/job-door.ts';
import { makeHttpApp } from '#kit/http/make-http-app.ts';
import { servePages } from '#kit/http/serve-pages.ts';
import { readInstallation } from '#kit/db/installation.ts';
import { makeChangeFeed } from '#kit/live/change-feed.ts';
import { bindLiveRoutes } from '#kit/live/live-routes.ts';
import { type ObjectStoreSettings, openObjectStore } from '#kit/object-store/open-object-store.ts';
import { type Sweep, startSweeps } from '#kit/sweeps.ts';
import { makeSealedSecrets } from '#kit/sealed-secrets.ts';
import { VERSION } from '#kit/version.ts';
import { bindLineageRoutes } from '#lineage/lineage-routes.ts';
import { serveMlflow } from '#mlflow/mlflow.ts';
import { readTenantsInUse, recordInventory } from '#nodes/nodes.ts';
import { makeFollowMetrics } from '#metrics/follow-metrics.ts';
import { metricColumns } from '#metrics/metrics.ts';
import { bindMetricRoutes } from '#metrics/metric-routes.ts';
import { bindNodeRoutes } from '#nodes/node-routes.ts';
import { findRegistryCredential } from '#registries/registries.ts';
import { bindRegistryRoutes } from '#registries/registry-routes.ts';
import { bindAttachmentRoutes } from '#runs/attachments/attachment-routes.ts';
import { makeAttemptToken, verifyAttemptToken } from '#runs/attempt-token.ts';
import { makeLogFollowers } from '#runs/follow-logs.ts';
import { ENGINE_LIMITS, type EngineLimits } from '#runs/engine-parts.ts';
import { type Reconciler, startReconciler } from '#kit/reconcilers/reconciler.ts';
import { startRunEngine } from '#runs/run-engine.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { bindRunRoutes } from '#runs/run-routes.ts';
import { RUN_LIST } from '#runs/run-search.ts';
import { makeRuns } from '#runs/runs.ts';
import { bindSavedSearchRoutes } from '#search/saved-search-routes.ts';
import { makeStageFolders } from '#staging/staging.ts';
import { sweepStaged } from '#staging/sweep-staged.ts';
import { taskKind } from '#tasks/task-kind.ts';
import { bindTaskRoutes } from '#tasks/task-routes.ts';
import { endAbandonedRuns, trackedKind } from '#tracking/tracking.ts';
import { ensureFirstTenant } from '#tenants/ensure-first-tenant.ts';
import { bindTenantRoutes } from '#tenants/tenant-routes.ts';
import { bindTokenRoutes } from '#tokens/token-routes.ts';
import { trainingKind } from '#training/training-kind.ts';
import { bindTrainingRoutes } from '#training/training-routes.ts';
import { ensureFirstAdmin, makePasswords, makeSignIn, makeSignInThrottle, signInLinkUrl, sweepSignIns } from '#users/users.ts';
import { bindUserRoutes } from '#users/user-routes.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import path from 'node:path';
import { errorAsRunWords } from '@sodate/contract/run-words.ts';

/** Built worker files; absent in development and tests, where the sources run. */
export interface WorkerFiles {
  readonly hash: URL;
  readonly link: URL;
  readonly staging: URL;
  readonly folder: URL;
}

export interface ComposeOptions {
  readonly home: Home;
  readonly database: DatabaseAddress;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly publicUrl: string | null;
  readonly trustedProxies: readonly string[];
  /** Below it pages that jobs wrote are shown; null = below `run.localhost` only. */
  readonly contentHost: string | null;
  readonly adminPassword: string | null;
  readonly gitRoot: string;
  /** Bytes that copies of repositories may take; without a limit if left out. */
  readonly gitBudgetBytes?: number;
  /** A file of certificates of authorities that git trusts beside the system's. */
  readonly extraAuthorities?: string | null;
  readonly timeZone: string;
  readonly migrations: string;
  readonly webFolder: string;
  readonly workers?: WorkerFiles;
  /** Where the bytes of files are. Without it: in the home. */
  readonly objectStore?: ObjectStoreSettings;
  readonly limits?: Partial<EngineLimits>;
  /** Whether room is set aside for a full disk; left out in tests, of which each would write it. */
  readonly keepsReserve?: boolean;
  /** Where jobs that have networks of their own reach the platform; null where none have. */
  readonly jobPort?: number;
  /** Makes the executors, preferred first, once what they stand on is there. */
  readonly executors: (around: ExecutorSurroundings) => Promise<readonly Executor[]>;
}

/** What executors are made of. */
export interface ExecutorSurroundings {
  readonly stage: StageFolders;
  readonly installation: string;
  /** The door for jobs, at addresses that executors bring up. */
  readonly door: Pick<JobDoor, 'listenOn' | 'leave'>;
  /** Work to be done now and then while the server runs. */
  addSweep(sweep: Sweep): void;
  /** Numbers of the tenants of which an attempt may be alive. */
  tenantsInUse(): Promise<ReadonlySet<number>>;
}

/** A whole server, not yet listening. */
export interface Platform {
  readonly app: FastifyInstance;
  /** Listens and takes up work. */
  listen(host: string, port: number): Promise<{ readonly url: string; readonly firstSignIn: string | null }>;
  /** Ends requests, then workers, then connections. Jobs go on. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
const INVENTORY_EVERY_MS = 10_000;
const RESERVE_EVERY_MS = 2_000;
const FOLLOW_METRICS_EVERY_MS = 1_000;
const ABANDONED_EVERY_MS = 10_000;

/** Builds the object graph, by hand and in one place. */
export async function compose(options: ComposeOptions): Promise<Platform> {
  const { home, clock, logger } = options;
  const address = () => ({ publicUrl: options.publicUrl });
  const bound = { url: '' };

  const { db, pool, close: closeDatabase } = openDatabase(options.database, logger);
  const searches = openSearches(options.database, logger);
  await migrate(pool, options.migrations, clock.now(), logger);
  const installation = await readInstallation(db, clock.now());
  const changes = makeChangeFeed({ pool, clientConfig: options.database, server: home.serverId, log: logger });

  const objectStore = await openObjectStore({
    settings: options.objectStore ?? { kind: 'file-system' },
    home: home.folder,
    db,
    installation,
    clock,
    log: logger,
    ...(options.workers ? { workers: { hash: options.workers.hash, link: options.workers.link } } : {}),
  });
  const sealed = makeSealedSecrets(home.key);
  const git = makeGit({
    db,
    folder: path.join(home.folder, 'git'),
    gitRoot: options.gitRoot,
    clock,
    log: logger,
    sealed,
    extraAuthorities: options.extraAuthorities ?? null,
    ...(options.gitBudgetBytes === undefined ? {} : { budgetBytes: options.gitBudgetBytes }),
  });
  const staging = makeStageFolders({
    db,
    git,
    objectStore,
    home: home.folder,
    timeZone: options.timeZone,
    ...(options.workers ? { workerUrl: options.workers.staging } : {}),
  });
  const foreignFolders = makeForeignFolders({ clock, ...(options.workers ? { workerUrl: options.workers.folder } : {}) });
  const archives = makeArchives();
  await Promise.all([git.removeLeftovers(), staging.removeLeftovers()]);
  const door = options.jobPort === undefined ? null : makeJobDoor({ port: options.jobPort });
  const executorSweeps: Sweep[] = [];
  const executors = makeExecutorRegistry(
    await options.executors({
      stage: staging,
      installation,
      door: {
        listenOn: async (address) => door?.listenOn(address),
        leave: async (address) => door?.leave(address),
      },
      addSweep: (sweep) => void executorSweeps.push(sweep),
      tenantsInUse: () => readTenantsInUse(db),
    }),
  );
  const kinds: readonly RunKind[] = [trainingKind, inferenceKind, taskKind, trackedKind].map((kind) => kind as RunKind);
  const gate = makeUploadGate();

  await recordInventory(db, executors.all, clock.now());
  const engine = { hintQueue: (): void => {}, hintRun: (_run: string): void => {}, stop: async (): Promise<void> => {} };
  const runs = makeRuns({ db, clock, executors, changes, engine: { hintQueue: () => engine.hintQueue() } });

  const passwords = makePasswords();
  const signIn = makeSignIn({ db, clock, passwords, throttle: makeSignInThrottle() });
  const access = makeAccess({ db, clock, verifyAttempt: (token) => verifyAttemptToken(db, home.key, token) });

  const content = makeContent({
    db,
    clock,
    log: logger,
    folders: staging.folders,
    foreignFolders,
    store: objectStore,
    publicUrl: options.publicUrl,
    contentHost: options.contentHost,
  });
  const app = await makeHttpApp({ logger, address, others: content.hosts, trustedProxies: options.trustedProxies });
  const binder = makeBinder(app, access, db, clock);
  binder.bind(getHealth, async () => {
    await pool.query('select 1');
    return { status: 'ok' as const, version: VERSION, installation };
  });
  bindSessionRoutes(binder, { db, access, signIn, address });
  bindUserRoutes(binder, { db, clock, passwords, address });
  bindTenantRoutes(binder, { db, clock, changes });
  bindTokenRoutes(binder, { db, clock, changes });
  bindDataRoutes(binder, { db, store: objectStore, archives, gate, changes, clock, log: logger, signingKey: home.key });
  bindDatasetRoutes(binder, { db, clock, changes, store: objectStore, archives });
  bindGitRoutes(binder, { git });
  bindGitCredentialRoutes(binder, { db, clock, sealed });
  bindRegistryRoutes(binder, { db, clock, sealed });
  bindNodeRoutes(binder, { db, changes, engine: { hintQueue: () => engine.hintQueue() } });
  bindTrainingRoutes(binder, { db, git, runs });
  bindInferenceRoutes(binder, { db, git, runs });
  bindTaskRoutes(binder, { runs });
  bindRunRoutes(binder, {
    db,
    clock,
    kinds,
    executors,
    staging,
    changes,
    foreignFolders,
    archives,
    metricColumns: (tenant, runs, names) => metricColumns(db, tenant, runs, names),
    engine: { hintRun: (run) => engine.hintRun(run) },
  });
  bindMetricRoutes(binder, { db, clock, changes, folders: staging.folders });
  bindAttachmentRoutes(binder, { db, clock, staging, foreignFolders });
  content.bindRoutes(binder);
  bindLineageRoutes(binder, { db, installation });
  bindSavedSearchRoutes(binder, { db, clock, lists: { data: DATA_LIST, dataset: DATASET_LIST, run: RUN_LIST } });
  bindLiveRoutes(binder, { changes });
  const unbound = ALL_ROUTES.filter(({ id }) => !binder.bound.has(id));
  if (unbound.length > 0) throw new Error(`Routes of the contract that nothing serves: ${unbound.map(({ id }) => id).join(', ')}`);
  await serveMlflow(app, { db, searches: searches.db, clock, access, changes, folders: staging.folders, foreignFolders });
  await servePages(app, { routes: ALL_ROUTES, version: VERSION, webFolder: options.webFolder });

  const reserve = options.keepsReserve === true ? makeDiskReserve(path.join(home.folder, 'reserve'), logger) : null;
  const sweepers = startSweeps(
    [
      { name: 'record-inventory', everyMs: INVENTORY_EVERY_MS, sweep: (now) => recordInventory(db, executors.all, now) },
      { name: 'sweep-sign-ins', everyMs: 10 * MINUTE_MS, sweep: (now) => sweepSignIns(db, now) },
      { name: 'sweep-openings', everyMs: 10 * MINUTE_MS, sweep: (now) => content.sweep(now) },
      { name: 'sweep-idempotency-keys', everyMs: (IDEMPOTENCY_KEY_HOURS * 60 * MINUTE_MS) / 24, sweep: (now) => sweepIdempotencyKeys(db, now) },
      { name: 'end-abandoned-runs', everyMs: ABANDONED_EVERY_MS, sweep: () => endAbandonedRuns({ db, clock, changes }) },
      ...(reserve === null ? [] : [{ name: 'tend-disk-reserve', everyMs: RESERVE_EVERY_MS, sweep: () => reserve.tend() }]),
      { name: 'sweep-git-copies', everyMs: MINUTE_MS, sweep: () => git.keepWithinBudget() },
      { name: 'sweep-staged', everyMs: 10 * MINUTE_MS, sweep: () => sweepStaged({ db, home: home.folder, staging }) },
      { name: 'sweep-objects', everyMs: 10 * MINUTE_MS, sweep: async (now) => void (await sweepObjects({ db, store: objectStore, gate, log: logger }, now)) },
    ],
    clock,
    logger,
  );

  const held: { executorSweeps: readonly Reconciler[]; followMetrics?: Reconciler } = { executorSweeps: [] };

  return {
    app,
    async listen(host, port) {
      const link = await ensureFirstAdmin(db, passwords, { adminPassword: options.adminPassword, now: clock.now() });
      await ensureFirstTenant(db, clock.now());
      bound.url = await app.listen({ host, port });
      await door?.serve(app);
      Object.assign(
        engine,
        await startRunEngine({
          db,
          clock,
          log: logger,
          server: home.serverId,
          executors,
          kinds,
          changes,
          folders: staging.folders,
          foreignFolders,
          attemptToken: (attempt) => makeAttemptToken(home.key, attempt),
          serverUrl: ({ capabilities: { platformHost } }) => (platformHost === null ? bound.url : `http://${platformHost}:${options.jobPort}`),
          registryCredential: async (tenant, image) => {
            try {
              return await findRegistryCredential(db, sealed, tenant, image);
            } catch (error) {
              // Kept under another key: no other try reads it, and its tenant can set it anew.
              if (isSodateError(error)) throw new StartRefused('user-error', errorAsRunWords(error), { cause: error });
              throw error;
            }
          },
          logFollowers: makeLogFollowers({ clock, log: logger }),
          version: VERSION,
          limits: { ...ENGINE_LIMITS, ...options.limits },
        }),
      );
      held.executorSweeps = startSweeps(executorSweeps, clock, logger);
      held.followMetrics = startReconciler({
        name: 'follow-metrics',
        pass: makeFollowMetrics({ db, clock, log: logger, server: home.serverId, changes, folders: staging.folders }),
        intervalMs: FOLLOW_METRICS_EVERY_MS,
        clock,
        log: logger,
      });
      return { url: bound.url, firstSignIn: link === null ? null : signInLinkUrl(options.publicUrl ?? bound.url, link.secret) };
    },
    async close() {
      await door?.close();
      await app.close();
      const stopped = engine.stop();
      // Steps that wait for a git server are ended now, and taken again by the next server.
      git.close();
      await stopped;
      await held.followMetrics?.stop();
      await Promise.all([...sweepers, ...held.executorSweeps].map((sweeper) => sweeper.stop()));
      await Promise.all(executors.all.map((executor) => executor.close()));
      await Promise.all([staging.close(), foreignFolders.close(), objectStore.close(), changes.close()]);
      await searches.close();
      await closeDatabase();
    },
  };
}
