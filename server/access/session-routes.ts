import type { Database } from '#kit/db/open-database.ts';
import type { Access, Caller } from '#kit/http/access.ts';
import { type Binder, sessionCookieName } from '#kit/http/bind-route.ts';
import type { PublicAddress } from '#kit/http/guard-origins.ts';
import { endSession, type SignIn, type StartedSession, updateProfile } from '#users/users.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import * as routes from '@sodate/contract/session.ts';
import type { FastifyReply } from 'fastify';
import { readMe } from './read-me.ts';

/** The longest that browsers keep a cookie. The server decides how long the session lives, and prolongs it by use. */
const COOKIE_SECONDS = 400 * 24 * 3600;

export function bindSessionRoutes(
  binder: Binder,
  parts: { readonly db: Database; readonly access: Access; readonly signIn: SignIn; readonly address: () => PublicAddress },
): void {
  const { db, access, signIn, address } = parts;

  const cookieOptions = () => ({ path: '/', httpOnly: true, sameSite: 'strict', secure: address().publicUrl?.startsWith('https:') ?? false }) as const;

  async function answer(session: StartedSession, keep: 'cookie' | 'token', reply: FastifyReply) {
    const caller = await access.identify({ authorization: `Bearer ${session.secret}`, sessionCookie: undefined });
    if (!caller) throw new SodateError('not-signed-in');
    if (keep === 'cookie') reply.setCookie(sessionCookieName(address().publicUrl), session.secret, { ...cookieOptions(), maxAge: COOKIE_SECONDS });
    return { me: await readMe(db, caller), token: keep === 'token' ? session.secret : null, expiresAt: session.expiresAt.toISOString() };
  }

  binder.bind(routes.signIn, async ({ body, request, reply }) => answer(await signIn.byPassword({ ...body, address: request.ip }), body.keep, reply));
  binder.bind(routes.signInByLink, async ({ body, reply }) => answer(await signIn.byLink(body), body.keep, reply));
  binder.bind(routes.signOut, async ({ caller, reply }) => {
    if (caller.session) await endSession(db, caller.session);
    reply.clearCookie(sessionCookieName(address().publicUrl), cookieOptions());
  });
  binder.bind(routes.getMe, ({ caller }) => readMe(db, caller));
  binder.bind(routes.updateMe, async ({ caller, body }) => {
    needPerson(caller);
    await updateProfile(db, caller.user, body);
    return readMe(db, caller);
  });
  binder.bind(routes.changePassword, async ({ caller, body, request }) => {
    needPerson(caller);
    await signIn.changePassword({ ...body, name: caller.name, session: caller.session, address: request.ip });
  });
}

/** A token or a job's credential works for one tenant; a person's own settings are outside of it. */
function needPerson(caller: Caller): void {
  if (caller.session === null) throw new SodateError('not-allowed', { needed: 'of the person: sign in with your password' });
}
