import { listTenants } from '@sodate/contract/tenants.ts';
import { type AnyRoute, createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, notFound, Outlet, redirect } from '@tanstack/react-router';
import { SubmittedKind } from '@sodate/contract/runs.ts';
import { dataListQuery } from '../data/data-queries.ts';
import { readDataListSearch, readThingSearch } from '../data/data-search.ts';
import { datasetListQuery } from '../datasets/dataset-queries.ts';
import { BrokenPage, NoSuchPage } from '../frame/broken-page.tsx';
import { Frame } from '../frame/frame.tsx';
import { homeQueries } from '../home/home-queries.ts';
import { readCompareSearch } from '../metrics/compare-search.ts';
import { readRunSearch, readRunsSearch, readSubmitSearch } from '../runs/run-page-search.ts';
import { runIdQuery, runsQuery } from '../runs/run-queries.ts';
import { readAsked } from '../search/read-asked.ts';
import { ownPath } from '../session/next-page.ts';
import { meQuery } from '../session/session-queries.ts';
import { readAdministrationSearch } from '../tenants/administration-search.ts';
import { TenantPages } from '../tenants/tenant-pages.tsx';
import { lazyPart } from './lazy-part.ts';
import { loadPart } from './load-part.ts';
import { isSessionEnd, type Platform } from './platform.tsx';
import { recall } from './remembered.ts';

interface RouterContext {
  readonly platform: Platform;
  /** Taken out of the address before anything else ran; null when there was none. */
  readonly firstSignInSecret: string | null;
}

/**
 * What a page shows is asked for while the page itself is being fetched, and the page, which asks for the same, finds it on its
 * way. Nothing waits for it here, and a pointer that passes over a link asks for nothing.
 */
function begin(cause: 'preload' | 'enter' | 'stay', ask: () => readonly Promise<void>[]): void {
  // An answer that is a refusal is asked for again by the page, which says so.
  if (cause !== 'preload') void Promise.all(ask());
}

const root = createRootRouteWithContext<RouterContext>()({ component: Outlet, notFoundComponent: NoSuchPage, errorComponent: BrokenPage });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { readonly next?: string | undefined } => ({ next: ownPath(search['next']) ?? undefined }),
  component: lazyRouteComponent(() => loadPart(() => import('../session/sign-in-page.tsx')), 'SignInPage'),
});

const firstSignIn = createRoute({
  getParentRoute: () => root,
  path: '/first-sign-in',
  component: () => <FirstSignInPage secretOfAddress={firstSignIn.useRouteContext().firstSignInSecret} />,
});

const FirstSignInPage = lazyPart(
  () => import('../session/first-sign-in-page.tsx'),
  (part) => part.FirstSignInPage,
);

/** Everything below needs somebody who is signed in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context: { platform }, location }) => {
    try {
      // Known from before is good enough: a session that ended since is noticed by the first request that needs it.
      return { me: await platform.queries.ensureQueryData(meQuery(platform.client)) };
    } catch (error) {
      if (!isSessionEnd(error)) throw error;
      platform.sessionExpired.set(false);
      throw redirect({ to: '/sign-in', search: { next: location.href === '/' ? undefined : location.href } });
    }
  },
  component: Frame,
  notFoundComponent: NoSuchPage,
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async ({ context: { me, platform } }) => {
    const remembered = recall('tenant');
    const names = me.tenants.map((tenant) => tenant.name);
    const own = names.find((name) => name === remembered) ?? names[0];
    if (own !== undefined) throw redirect({ to: '/tenants/$tenant', params: { tenant: own } });
    if (!me.systemAdmin) return;
    const { items } = await platform.client.call(listTenants, { query: { limit: 200 } });
    const any = items.find((tenant) => tenant.name === remembered) ?? items[0];
    if (any !== undefined) throw redirect({ to: '/tenants/$tenant', params: { tenant: any.name } });
  },
  component: lazyRouteComponent(() => loadPart(() => import('../tenants/no-tenant-page.tsx')), 'NoTenantPage'),
});

const tenant = createRoute({ getParentRoute: () => signedIn, path: '/tenants/$tenant', component: TenantPages, notFoundComponent: NoSuchPage });

const tenantHome = createRoute({
  getParentRoute: () => tenant,
  path: '/',
  loader: ({ context: { platform, me }, params: { tenant }, cause }) =>
    begin(cause, () => homeQueries(platform.client, tenant, me.name).map((query) => platform.queries.prefetchQuery(query))),
  component: lazyRouteComponent(() => loadPart(() => import('../home/home-page.tsx')), 'HomePage'),
});

const dataList = createRoute({
  getParentRoute: () => tenant,
  path: '/data',
  validateSearch: readDataListSearch,
  loaderDeps: ({ search: { search, sort, tag, createdBy } }) => ({ search, sort, tag, createdBy }),
  loader: ({ context: { platform }, params: { tenant }, deps, cause }) =>
    begin(cause, () => [platform.queries.prefetchInfiniteQuery(dataListQuery(platform.client, tenant, deps))]),
  component: lazyRouteComponent(() => loadPart(() => import('../data/data-list-page.tsx')), 'DataListPage'),
});

const data = createRoute({
  getParentRoute: () => tenant,
  path: '/data/$data',
  validateSearch: readThingSearch,
  component: lazyRouteComponent(() => loadPart(() => import('../data/data-page.tsx')), 'DataPage'),
});

const datasetList = createRoute({
  getParentRoute: () => tenant,
  path: '/datasets',
  validateSearch: readAsked,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { platform }, params: { tenant }, deps, cause }) =>
    begin(cause, () => [platform.queries.prefetchInfiniteQuery(datasetListQuery(platform.client, tenant, deps))]),
  component: lazyRouteComponent(() => loadPart(() => import('../datasets/dataset-list-page.tsx')), 'DatasetListPage'),
});

const newDataset = createRoute({
  getParentRoute: () => tenant,
  path: '/datasets/new',
  component: lazyRouteComponent(() => loadPart(() => import('../datasets/new-dataset-page.tsx')), 'NewDatasetPage'),
});

const dataset = createRoute({
  getParentRoute: () => tenant,
  path: '/datasets/$dataset',
  validateSearch: readThingSearch,
  component: lazyRouteComponent(() => loadPart(() => import('../datasets/dataset-page.tsx')), 'DatasetPage'),
});

const runs = createRoute({
  getParentRoute: () => tenant,
  path: '/runs',
  validateSearch: readRunsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { platform }, params: { tenant }, deps, cause }) =>
    begin(cause, () => [platform.queries.prefetchQuery(runsQuery(platform.client, tenant, deps, undefined))]),
  component: lazyRouteComponent(() => loadPart(() => import('../runs/runs-page.tsx')), 'RunsPage'),
});

const run = createRoute({
  getParentRoute: () => tenant,
  path: '/runs/$run',
  validateSearch: readRunSearch,
  loader: ({ context: { platform }, params: { tenant, run: reference }, cause }) =>
    begin(cause, () => [platform.queries.prefetchQuery(runIdQuery(platform.client, tenant, reference))]),
  component: lazyRouteComponent(() => loadPart(() => import('../runs/run-page.tsx')), 'RunPage'),
});

const compare = createRoute({
  getParentRoute: () => tenant,
  path: '/compare',
  validateSearch: readCompareSearch,
  component: lazyRouteComponent(() => loadPart(() => import('../metrics/compare-page.tsx')), 'ComparePage'),
});

const submit = createRoute({
  getParentRoute: () => tenant,
  path: '/runs/new/$kind',
  params: {
    parse: ({ kind }) => {
      const known = SubmittedKind.safeParse(kind);
      if (!known.success) throw notFound();
      return { kind: known.data };
    },
    stringify: ({ kind }) => ({ kind }),
  },
  validateSearch: readSubmitSearch,
  component: lazyRouteComponent(() => loadPart(() => import('../runs/submit-page.tsx')), 'SubmitPage'),
});

const administration = createRoute({
  getParentRoute: () => tenant,
  path: '/administration',
  validateSearch: readAdministrationSearch,
  component: lazyRouteComponent(() => loadPart(() => import('../tenants/administration-page.tsx')), 'AdministrationPage'),
});

const tree = root.addChildren([
  signIn,
  firstSignIn,
  signedIn.addChildren([home, tenant.addChildren([tenantHome, dataList, data, datasetList, newDataset, dataset, runs, submit, run, compare, administration])]),
]);

export const createPageRouter = (context: RouterContext) =>
  createRouter({
    routeTree: tree,
    context,
    defaultPreload: 'intent',
    defaultErrorComponent: BrokenPage,
    defaultNotFoundComponent: NoSuchPage,
    scrollRestoration: true,
  });

/** Begins with all that the first page needs before anything can be drawn: its own part of the pages, who is signed in, what it shows. */
export function beginFirstPage(router: ReturnType<typeof createPageRouter>): void {
  const known: Readonly<Record<string, AnyRoute | undefined>> = router.routesById;
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    const route = known[routeId];
    if (route !== undefined) void router.loadRouteChunk(route);
  }
  void router.load();
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>;
  }
}
