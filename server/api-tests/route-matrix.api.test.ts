import { EXAMPLES, type ExampleRequest } from '#api-tests/example-requests.ts';
import type { Answer } from '#api-tests/exchange.ts';
import { snapshotDatabase } from '#api-tests/database-snapshot.ts';
import { type Headers, makeRefusedCredentials } from '#api-tests/refused-credentials.ts';
import { servedRoutes } from '#api-tests/served-routes.ts';
import { makeTenantThings, type TenantThings } from '#api-tests/tenant-things.ts';
import { untilQuiet, useTestPlatform } from '#api-tests/test-platform.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { signedPartAddress } from '#data/signed-part-address.ts';
import { buildPath } from '@sodate/client/build-path.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { ARTIFACT_PATH, ARTIFACT_PERMISSIONS, MLFLOW_ROUTES } from '@sodate/contract/mlflow-routes.ts';
import type { Permission, Route } from '@sodate/contract/route.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * Who may do what, generated from the contract: each route, each kind of caller, and each way in which a credential can be
 * bad. What is expected comes from the permission that the route declares and from nothing else.
 */
const opened = useTestPlatform();

const bearer = (secret: string): Headers => ({ authorization: `Bearer ${secret}` });

interface World {
  readonly things: TenantThings;
  readonly foreignThings: TenantThings;
  readonly broken: Readonly<Record<string, Headers>>;
  /** Good credentials, by who they are. */
  readonly good: Readonly<Record<string, Headers>>;
}

const held: { world?: World } = {};
const world = (): World => held.world as World;

beforeAll(async () => {
  const p = opened();
  const things = makeTenantThings(p, 'alpha', p.member.secret);
  const foreignThings = makeTenantThings(p, 'beta', p.foreigner.secret);
  const inBeta = await p.makeToken(p.systemAdmin, 'beta');
  const memberToken = await p.makeToken(p.member, 'alpha');
  const nobody = await p.makePerson('nobody');
  held.world = {
    things,
    foreignThings,
    broken: await makeRefusedCredentials(p, things),
    good: {
      'a system admin': bearer(p.systemAdmin.secret),
      'an admin': bearer(p.admin.secret),
      'a member': bearer(p.member.secret),
      'a viewer': bearer(p.viewer.secret),
      "an admin's token": bearer((await p.makeToken(p.admin, 'alpha')).secret),
      "a member's token": bearer(memberToken.secret),
      "a member's token by Basic": { authorization: `Basic ${btoa(`${memberToken.id}:${memberToken.secret}`)}` },
      "a viewer's token": bearer((await p.makeToken(p.viewer, 'alpha')).secret),
      "a system admin's token": bearer((await p.makeToken(p.systemAdmin, 'alpha')).secret),
      'a job': bearer(await p.attemptTokenOf((await things.liveTask()).id)),
      'a member by cookie': { cookie: `${SESSION_COOKIE}=${p.member.secret}` },
      "another tenant's member": bearer(p.foreigner.secret),
      "another tenant's member's token": bearer((await p.makeToken(p.foreigner, 'beta')).secret),
      "another tenant's job": bearer(await p.attemptTokenOf((await foreignThings.liveTask()).id)),
      "a system admin's token for another tenant": bearer(inBeta.secret),
      'somebody of no tenant': bearer(nobody.secret),
    },
  };
});

const SYSTEM_ADMINS = ['a system admin'];
const ADMINS = [...SYSTEM_ADMINS, 'an admin', "an admin's token", "a system admin's token"];
const MEMBERS = [...ADMINS, 'a member', "a member's token", "a member's token by Basic", 'a job', 'a member by cookie'];
const VIEWERS = [...MEMBERS, 'a viewer', "a viewer's token"];
const STRANGERS = [
  "another tenant's member",
  "another tenant's member's token",
  "another tenant's job",
  "a system admin's token for another tenant",
  'somebody of no tenant',
];
const EVERYBODY = [...VIEWERS, ...STRANGERS];

/** Who may, and who may least of them; the rest may not, and these learn nothing at all. */
const RIGHTS: Readonly<Record<Permission, { readonly may: readonly string[]; readonly least: string | null; readonly learnNothing: readonly string[] }>> = {
  anyone: { may: EVERYBODY, least: null, learnNothing: [] },
  'signed-url': { may: EVERYBODY, least: null, learnNothing: [] },
  'signed-in': { may: EVERYBODY, least: 'a viewer', learnNothing: [] },
  'system-admin': { may: SYSTEM_ADMINS, least: 'a system admin', learnNothing: [] },
  'tenant-admin': { may: ADMINS, least: 'an admin', learnNothing: STRANGERS },
  'tenant-member': { may: MEMBERS, least: 'a member', learnNothing: STRANGERS },
  'tenant-viewer': { may: VIEWERS, least: 'a viewer', learnNothing: STRANGERS },
};

const send = (route: Route, example: ExampleRequest, headers: Headers, method: string = route.method): Promise<Answer> =>
  opened().ask(null, method, buildPath(route.path, example.params ?? {}, example.query ?? {}), example.body, { headers });

/** What is wrong with an answer that should be this error, or null. */
function notRefusedAs(code: ErrorCode, answer: Answer): string | null {
  if (answer.status !== ERROR_CATALOGUE[code].status || answer.body?.code !== code) return `${answer.status} ${answer.text.slice(0, 300)}`;
  return typeof answer.body.message === 'string' && answer.body.requestId !== '' && !/\{\w+\}/.test(answer.body.message)
    ? null
    : `not a whole error: ${answer.text}`;
}

/** Sends each, expects each to be refused, and that nothing at all has happened. */
async function expectRefusals(cases: readonly { readonly what: string; readonly code: ErrorCode; readonly send: () => Promise<Answer> }[]): Promise<void> {
  await untilQuiet(opened());
  const before = await snapshotDatabase(opened().database.db);
  const wrong: string[] = [];
  for (const each of cases) {
    const problem = notRefusedAs(each.code, await each.send());
    if (problem !== null) wrong.push(`${each.what}: ${problem}`);
  }
  expect(wrong).toEqual([]);
  expect(await snapshotDatabase(opened().database.db)).toEqual(before);
}

type Leaf = { readonly at: readonly string[]; readonly value: unknown };
const leaves = (value: unknown, at: readonly string[] = []): readonly Leaf[] =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...at, key]))
    : [{ at, value }];

/** The request with one value replaced. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as unknown as Record<string, unknown>) : { ...(value as object) };
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** The request of one tenant with each single thing in it exchanged for the other tenant's, by id and by number. */
function withForeignThings(
  own: ExampleRequest,
  foreign: ExampleRequest,
  otherNames: ReadonlyMap<string, string>,
): readonly { readonly what: string; readonly request: ExampleRequest }[] {
  const parts = ({ params = {}, query = {}, body }: ExampleRequest) => ({ params, query, body });
  const [mine, theirs] = [leaves(parts(own)), new Map(leaves(parts(foreign)).map(({ at, value }) => [at.join('.'), value]))];
  return mine.flatMap(({ at, value }) => {
    const other = theirs.get(at.join('.'));
    if (other === value || other === undefined || at.at(-1) === 'tenant' || value instanceof Uint8Array) return [];
    return [other, otherNames.get(String(other))]
      .filter((name) => name !== undefined)
      .map((name) => ({ what: `${at.join('.')} = ${String(name)}`, request: replaced(own, at, name) as ExampleRequest }));
  });
}

const TENANT_ROUTES = new Set(ALL_ROUTES.filter(({ permission }) => permission.startsWith('tenant-')).map(({ id }) => id));

describe.each(ALL_ROUTES.map((route) => ({ id: route.id, route })))('$id', ({ route }) => {
  const rights = RIGHTS[route.permission];
  const made: { own?: ExampleRequest; foreign?: ExampleRequest } = {};
  const own = (): ExampleRequest => made.own as ExampleRequest;

  beforeAll(async () => {
    const make = EXAMPLES[route.id];
    if (make === undefined) throw new Error(`Route ${route.id} has no example request: add one to example-requests.ts`);
    made.own = await make(world().things, opened());
    if (TENANT_ROUTES.has(route.id)) made.foreign = await make(world().foreignThings, opened());
  });

  if (route.permission === 'signed-url') {
    it('refuses addresses that were not signed for this, whoever asks', async () => {
      const { key } = opened().home;
      const { upload = '' } = own().params ?? {};
      const { expires = '', signature = '' } = own().query ?? {};
      const other = await world().things.openUpload(await world().things.data());
      const past = new URL(signedPartAddress(key, upload as UploadId, new Date(0)), 'http://x').searchParams;
      const bad: Record<string, Record<string, string>> = {
        'a changed signature': { expires, signature: signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) },
        'no signature': { expires, signature: '' },
        'a later expiry': { expires: String(Number(expires) + 1), signature },
        'one that has expired': { expires: past.get('expires') ?? '', signature: past.get('signature') ?? '' },
        "another upload's": Object.fromEntries(new URL(other.partUrl, 'http://x').searchParams),
      };
      const cases = Object.entries(bad).flatMap(([what, query]) =>
        [{}, bearer(opened().systemAdmin.secret)].map((headers) => ({
          what,
          code: 'signature-not-valid' as const,
          send: () => send(route, { ...own(), query }, headers),
        })),
      );
      await expectRefusals(cases);
    });
  } else if (rights.least === null) {
    it('never looks at credentials', async () => {
      const harmless = route.method === 'GET' ? own() : { ...own(), body: {} };
      const wanted = route.method === 'GET' ? route.status : 400;
      const wrong: string[] = [];
      for (const [what, headers] of Object.entries(world().broken)) {
        const { status } = await send(route, harmless, headers);
        if (status !== wanted) wrong.push(`${what}: ${status}`);
      }
      expect(wrong).toEqual([]);
    });
  } else {
    it('refuses everybody whose credential is missing or bad, before it looks at anything else', async () => {
      const nonsense: ExampleRequest = { ...own(), query: { nonsense: '1' }, ...(own().body === undefined ? {} : { body: { nonsense: 1 } }) };
      await expectRefusals(
        Object.entries(world().broken).flatMap(([what, headers]) => [
          { what, code: 'not-signed-in' as const, send: () => send(route, own(), headers) },
          { what: `${what}, out of form`, code: 'not-signed-in' as const, send: () => send(route, nonsense, headers) },
        ]),
      );
      if (route.method === 'GET') expect((await send(route, own(), {}, 'HEAD')).status).toBe(401);
    });
  }

  const tooLow = EVERYBODY.filter((who) => !rights.may.includes(who) && !rights.learnNothing.includes(who));
  if (tooLow.length > 0) {
    it(`refuses those whose role is too low: ${tooLow.join(', ')}`, async () => {
      await expectRefusals(tooLow.map((what) => ({ what, code: 'not-allowed' as const, send: () => send(route, own(), world().good[what] ?? {}) })));
    });
  }

  if (TENANT_ROUTES.has(route.id)) {
    it('tells people of other tenants no more than that there is nothing', async () => {
      const nothing = { ...own(), params: { ...own().params, tenant: 'no-such-tenant' } };
      await expectRefusals(
        rights.learnNothing.flatMap((what) => [
          { what, code: 'not-found' as const, send: () => send(route, own(), world().good[what] ?? {}) },
          {
            what: `${what}, tenant by id`,
            code: 'not-found' as const,
            send: () => send(route, { ...own(), params: { ...own().params, tenant: opened().tenant.id } }, world().good[what] ?? {}),
          },
        ]),
      );
      const [foreign, absent] = await Promise.all([own(), nothing].map((request) => send(route, request, bearer(opened().foreigner.secret))));
      expect(foreign?.body.message.replace('alpha', 'X')).toBe(absent?.body.message.replace('no-such-tenant', 'X'));
    });

    it("finds nothing of another tenant's under its own address", async () => {
      const foreignThings = withForeignThings(own(), made.foreign as ExampleRequest, world().foreignThings.otherNames);
      await expectRefusals(
        ['an admin', 'a system admin', rights.least as string].flatMap((who) =>
          foreignThings.map(({ what, request }) => ({
            what: `${who}, ${what}`,
            code: 'not-found' as const,
            send: () => send(route, request, world().good[who] ?? {}),
          })),
        ),
      );
    });
  }

  const maker = (): Headers => (own().as === undefined ? (world().good[rights.least ?? ''] ?? {}) : bearer(own().as ?? ''));

  it('refuses what it does not know, and text that no database can hold', async () => {
    const { body, query = {} } = own();
    const strange: { what: string; request: ExampleRequest }[] = [{ what: 'a query', request: { ...own(), query: { ...query, nonsense: '1' } } }];
    const isForm = typeof body === 'object' && !(body instanceof Uint8Array);
    if (isForm)
      strange.push(
        { what: 'a field', request: { ...own(), body: { ...body, nonsense: 1 } } },
        { what: 'no body', request: { ...own(), body: undefined } },
        { what: 'a list', request: { ...own(), body: [body] } },
      );
    if (body === undefined && route.takes === 'json' && route.method !== 'GET') strange.push({ what: 'a body', request: { ...own(), body: { nonsense: 1 } } });
    const optional = route.takes === 'json' && route.body.safeParse(undefined).success;
    for (const { at, value } of leaves({ body: isForm ? body : undefined, query })) {
      // A password is never stored as it is, and may be anything.
      if (typeof value === 'string' && !/password|current|next/.test(at.join()))
        strange.push({ what: `${at.join('.')} with a NUL`, request: replaced(own(), at, `${value}\0`) as ExampleRequest });
    }
    const cases = strange.filter(({ what }) => !(what === 'no body' && optional));
    const code = route.permission === 'signed-url' ? /^(invalid-request|signature-not-valid)$/ : /^(invalid-request|not-found|bad-credentials|link-not-valid)$/;
    await untilQuiet(opened());
    const before = await snapshotDatabase(opened().database.db);
    const wrong: string[] = [];
    for (const { what, request } of cases) {
      const answer = await send(route, request, maker());
      if (answer.status < 400 || answer.status >= 500 || !code.test(String(answer.body?.code)))
        wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
    expect(await snapshotDatabase(opened().database.db)).toEqual(before);
  });

  it('does what it says for whoever may', async () => {
    const readers = route.method === 'GET' && own().as === undefined ? rights.may.map((who) => world().good[who] ?? {}) : [];
    for (const each of [...readers, maker()]) {
      const answer = await send(route, own(), each);
      expect([answer.status, answer.text.slice(0, 500)]).toEqual([route.status, expect.anything()]);
      if (route.answers === 'json' && route.status !== 204) expect(route.response.safeParse(answer.body).error).toBeUndefined();
    }
  });
});

describe('the list of routes', () => {
  it('has an example for each, and no example for what does not exist', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(ALL_ROUTES.map(({ id }) => id).toSorted());
  });

  it('is what the server serves, besides the pages', () => {
    const contract = ALL_ROUTES.map(({ method, path }) => `${method} ${path}`);
    // The router's own list leaves out what stands between the last route above and a wildcard.
    const pages = ['GET /v1/openapi.json', 'GET /v1/docs', 'GET /v1/docs/start.js', 'GET /v1/docs*', 'GET /index.html', 'GET /assets/app.js', 'GET *'];
    // MLflow's own paths, with permissions of their own (`mlflow.api.test.ts`). The router's list leaves out its last wildcards.
    const mlflow = [
      ...MLFLOW_ROUTES.map(({ method, path }) => `${method} ${path}`),
      ...Object.keys(ARTIFACT_PERMISSIONS).map((method) => `${method} ${ARTIFACT_PATH.replace('/*', '*')}`),
    ];
    expect(servedRoutes(opened().platform.app).toSorted()).toEqual([...contract, ...mlflow, ...pages].toSorted());
  });

  it('names what somebody may not do from outside: jobs and tokens in a person’s place', async () => {
    const { things, good } = world();
    const [job, token] = [good['a job'] ?? {}, good["a member's token"] ?? {}];
    const [ownToken, others] = [await things.token(opened().member.secret), await things.token(opened().viewer.secret)];
    const base = `/v1/tenants/${things.tenant}/tokens`;
    const ask = opened().ask;
    await expectRefusals([
      { what: 'a job makes a token', code: 'not-allowed', send: () => ask(null, 'POST', base, { name: 'x' }, { headers: job }) },
      { what: 'a job ends a token', code: 'not-allowed', send: () => ask(null, 'DELETE', `${base}/${ownToken.id}`, undefined, { headers: job }) },
      { what: 'a job renames its person', code: 'not-allowed', send: () => ask(null, 'PATCH', '/v1/me', { displayName: 'x' }, { headers: job }) },
      { what: 'a token renames its person', code: 'not-allowed', send: () => ask(null, 'PATCH', '/v1/me', { displayName: 'x' }, { headers: token }) },
      {
        what: 'a token changes the password',
        code: 'not-allowed',
        send: () => ask(null, 'PUT', '/v1/me/password', { current: opened().member.password, next: 'another password' }, { headers: token }),
      },
      {
        what: "a member ends another's token",
        code: 'not-found',
        send: () => ask(null, 'DELETE', `${base}/${others.id}`, undefined, { headers: good['a member'] ?? {} }),
      },
    ]);
  });

  it('has made nothing go wrong on the server', () => {
    expect(opened().errorsLogged).toEqual([]);
  });
});
