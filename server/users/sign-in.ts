import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import { endLinks, findLinkUser, takeLink } from './link-store.ts';
import type { Passwords } from './passwords.ts';
import { endSessions, startSession, type StartedSession } from './session-store.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';
import { findUserByName } from './user-store.ts';

/** How people prove who they are. A wrong name, a wrong password and a disabled user look alike, in words and in time. */
export interface SignIn {
  /** @throws SodateError `bad-credentials`, `too-many-attempts` */
  byPassword(ask: { readonly name: string; readonly password: string; readonly address: string }): Promise<StartedSession>;
  /** Sets the password and signs in; the link is used up, and every session of the user ends. @throws SodateError `link-not-valid` */
  byLink(ask: { readonly secret: string; readonly password: string }): Promise<StartedSession>;
  /** Ends the user's other sessions and open links. @throws SodateError `bad-credentials`, `too-many-attempts` */
  changePassword(ask: {
    readonly name: string;
    readonly current: string;
    readonly next: string;
    readonly session: Buffer | null;
    readonly address: string;
  }): Promise<void>;
}

export function makeSignIn(parts: { readonly db: Database; readonly clock: Clock; readonly passwords: Passwords; readonly throttle: SignInThrottle }): SignIn {
  const { db, clock, passwords, throttle } = parts;

  /** @returns the user and the stored hash that the password matched */
  async function prove(name: string, password: string, address: string): Promise<{ readonly id: UserId; readonly hash: string }> {
    throttle.check(name, address, clock.now());
    const user = await findUserByName(db, name);
    const hash = user && !user.disabled_at ? user.password_hash : null;
    let wasRight = (): void => {};
    const right = await passwords.verify(password, hash, () => {
      wasRight = throttle.charge(name, address, clock.now());
    });
    if (!right || !user || hash === null) throw new SodateError('bad-credentials');
    wasRight();
    return { id: user.id as UserId, hash };
  }

  async function openSession(name: string, password: string, address: string): Promise<StartedSession | null> {
    const proved = await prove(name, password, address);
    const renewed = passwords.isOutdated(proved.hash) ? await passwords.hash(password) : null;
    return db.transaction().execute(async (tx) => {
      // The check took long and held no lock: what it found must still be so.
      const still = await tx
        .selectFrom('users')
        .select('id')
        .where('id', '=', proved.id)
        .where('password_hash', '=', proved.hash)
        .where('disabled_at', 'is', null)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (!still) return null;
      if (renewed !== null) await tx.updateTable('users').set({ password_hash: renewed }).where('id', '=', proved.id).execute();
      return startSession(tx, proved.id, clock.now());
    });
  }

  return {
    async byPassword({ name, password, address }) {
      // A second try, because another sign-in of the same user may just have renewed the hash.
      const session = (await openSession(name, password, address)) ?? (await openSession(name, password, address));
      if (session === null) throw new SodateError('bad-credentials');
      return session;
    },

    async byLink({ secret, password }) {
      const id = await findLinkUser(db, secret, clock.now());
      if (id === null) throw new SodateError('link-not-valid');
      const hash = await passwords.hash(password);
      // Link, password and session go together: if the process dies before the commit, the link can be used again.
      // The user's row is locked first, here as everywhere; of two with one link the second waits and finds it taken.
      return db.transaction().execute(async (tx) => {
        const now = clock.now();
        const user = await tx
          .updateTable('users')
          .set({ password_hash: hash })
          .where('id', '=', id)
          .where('disabled_at', 'is', null)
          .returning('id')
          .executeTakeFirst();
        if (!user || !(await takeLink(tx, secret, now))) throw new SodateError('link-not-valid');
        await endSessions(tx, id, null);
        return startSession(tx, id, now);
      });
    },

    async changePassword({ name, current, next, session, address }) {
      const proved = await prove(name, current, address);
      const hash = await passwords.hash(next);
      await db.transaction().execute(async (tx) => {
        const changed = await tx
          .updateTable('users')
          .set({ password_hash: hash })
          .where('id', '=', proved.id)
          .where('password_hash', '=', proved.hash)
          .returning('id')
          .executeTakeFirst();
        if (!changed) throw new SodateError('bad-credentials');
        await endSessions(tx, proved.id, session);
        await endLinks(tx, proved.id);
      });
    },
  };
}
