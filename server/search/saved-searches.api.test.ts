import { useTestPlatform } from '#api-tests/test-platform.ts';
import { describe, expect, it } from 'vitest';

describe('saved searches', () => {
  const opened = useTestPlatform();
  const BASE = '/v1/tenants/alpha/searches';
  const ask = (who: { secret: string }, method: string, at = '', body?: unknown) => opened().ask(who.secret, method, `${BASE}${at}`, body);
  const names = async (who: { secret: string }, query = ''): Promise<readonly string[]> =>
    (await ask(who, 'GET', query)).body.items.map(({ name }: { name: string }) => name);
  const good = { thing: 'run', name: 'good', query: 'metric.loss<0.1   AND not state:failed', sort: 'metric.loss', columns: ['run', 'name'] };

  it('are kept in one form, for their owner alone or for all', async () => {
    const { member, viewer, admin } = opened();
    const own = await ask(member, 'POST', '', good);
    expect([own.status, own.body]).toEqual([
      201,
      expect.objectContaining({ ...good, query: 'metric.loss<0.1 -state:failed', shared: false, owner: expect.objectContaining({ name: member.name }) }),
    ]);
    expect((await ask(member, 'POST', '', { ...good, name: 'ours', shared: true })).status).toBe(201);
    expect(await names(member)).toEqual(['ours', 'good']);
    expect(await names(viewer)).toEqual(['ours']);
    expect(await names(admin)).toEqual(['ours']);
    expect(await names(member, '?thing=data')).toEqual([]);
    expect(await names(member, '?thing=run&name=good')).toEqual(['good']);
  });

  it('have one name each, for one thing and one owner', async () => {
    const { member, viewer } = opened();
    expect((await ask(member, 'POST', '', good)).body).toMatchObject({ code: 'name-taken' });
    expect((await ask(viewer, 'POST', '', good)).status).toBe(201);
    expect((await ask(member, 'POST', '', { ...good, thing: 'data', query: 'tag:new', sort: null })).status).toBe(201);
    expect((await ask(opened().admin, 'POST', '', { ...good, name: 'ours', shared: true })).body).toMatchObject({ code: 'name-taken' });
  });

  it('are refused when the list would not understand them', async () => {
    const { member } = opened();
    for (const [body, code] of [
      [{ ...good, name: 'a', query: 'colour:red' }, 'search-not-understood'],
      [{ ...good, name: 'a', thing: 'data' }, 'search-not-understood'],
      [{ ...good, name: 'a', sort: 'colour' }, 'invalid-request'],
      [{ ...good, name: 'a', thing: 'users' }, 'invalid-request'],
    ] as const)
      expect((await ask(member, 'POST', '', body)).body).toMatchObject({ code });
  });

  it("are changed by their owner, and shared ones by the tenant's admins", async () => {
    const { member, viewer, admin, foreigner } = opened();
    const own = (await ask(member, 'POST', '', { ...good, name: 'mine' })).body;
    const ours = (await ask(member, 'POST', '', { ...good, name: 'shared', shared: true })).body;
    expect((await ask(admin, 'PATCH', `/${own.id}`, { name: 'x' })).body).toMatchObject({ code: 'not-found' });
    expect((await ask(viewer, 'PATCH', `/${ours.id}`, { name: 'x' })).body).toMatchObject({ code: 'not-allowed' });
    expect((await ask(viewer, 'DELETE', `/${ours.id}`)).body).toMatchObject({ code: 'not-allowed' });
    expect((await opened().ask(foreigner.secret, 'PATCH', `/v1/tenants/beta/searches/${ours.id}`, { name: 'x' })).body).toMatchObject({ code: 'not-found' });
    expect((await ask(member, 'PATCH', `/${own.id}`, { query: 'state:nothing' })).body).toMatchObject({ code: 'search-not-understood' });
    expect((await ask(member, 'PATCH', `/${own.id}`, { name: 'yours', sort: null })).body).toMatchObject({ name: 'yours', sort: null, query: own.query });
    // An admin ends the sharing: it is its owner's again.
    expect((await ask(admin, 'PATCH', `/${ours.id}`, { shared: false })).body).toMatchObject({ shared: false, owner: { name: member.name } });
    expect((await ask(admin, 'DELETE', `/${ours.id}`)).body).toMatchObject({ code: 'not-found' });
    expect((await ask(member, 'DELETE', `/${ours.id}`)).status).toBe(204);
  });

  it('are shared by members, not by those who may only look', async () => {
    const { viewer } = opened();
    expect((await ask(viewer, 'POST', '', { ...good, name: 'for all', shared: true })).body).toMatchObject({ code: 'not-allowed' });
    const own = (await ask(viewer, 'POST', '', { ...good, name: 'for me' })).body;
    expect((await ask(viewer, 'PATCH', `/${own.id}`, { shared: true })).body).toMatchObject({ code: 'not-allowed' });
  });
});
