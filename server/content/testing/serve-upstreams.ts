import { makeTenantThings } from '#api-tests/tenant-things.ts';
import type { TestPlatform } from '#api-tests/test-platform.ts';
import { newLabel } from '#content/content-address.ts';
import { newTicket } from '#content/content-keys.ts';
import { makeContent } from '#content/content.ts';
import { insertOpening } from '#content/opening-store.ts';
import type { Upstream } from '#content/pass-through.ts';
import { systemClock } from '#kit/clock.ts';
import { makeHttpApp } from '#kit/http/make-http-app.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import { makeRunFolders } from '#staging/run-folders.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { pino } from 'pino';

/** A server with nothing but content hosts, on the database of a platform, whose openings of programs lead where a test says. */
export interface UpstreamServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveUpstreams(
  platform: TestPlatform,
  parts: { readonly upstreamOf: () => Upstream | null; readonly answerMs: number },
): Promise<UpstreamServer> {
  const content = makeContent({
    db: platform.database.db,
    clock: systemClock,
    log: silentLog,
    folders: makeRunFolders(platform.home.folder),
    foreignFolders: { list: async () => null },
    store: { read: async () => Promise.reject(new Error('Nothing is read here')) },
    publicUrl: null,
    contentHost: null,
    upstreamOf: async () => parts.upstreamOf(),
    limits: { answerMs: parts.answerMs, recheckMs: 30 },
  });
  const app = await makeHttpApp({ logger: pino({ level: 'silent' }), address: () => ({ publicUrl: null }), others: content.hosts });
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
}

/** A run of the member, behind which programs can be. */
export const makeRun = async (platform: TestPlatform): Promise<string> => (await makeTenantThings(platform, 'alpha', platform.member.secret).endedTask()).id;

/** Opens the program of a run for the member, as no route does yet. */
export async function openUpstream(
  platform: TestPlatform,
  at: { readonly server: string; readonly run: string },
): Promise<{ readonly label: string; readonly host: string; readonly ticket: string }> {
  const [label, ticket, now] = [newLabel(), newTicket(), systemClock.now()];
  const host = `${label}.run.localhost:${new URL(at.server).port}`;
  const soon = new Date(now.getTime() + 600_000);
  await insertOpening(
    platform.database.db,
    {
      id: newId(),
      tenant: platform.tenant.id as TenantId,
      label,
      user: platform.member.id as UserId,
      session: null,
      token: null,
      opened: { kind: 'upstream', run: at.run as RunId },
      platformOrigin: at.server,
      contentOrigin: `http://${host}`,
      ticket,
      ticketExpiresAt: soon,
      expiresAt: soon,
    },
    now,
  );
  return { label, host, ticket };
}
