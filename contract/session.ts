import { z } from 'zod';
import { Password, Title, UserName } from './names.ts';
import { Person } from './paging.ts';
import { defineRoute } from './route.ts';
import { Role } from './tenants.ts';

export const Language = z.enum(['en', 'ja']);

/** The person behind the request and where they may work. */
export const Me = z.object({
  ...Person.shape,
  systemAdmin: z.boolean(),
  hasPassword: z.boolean(),
  language: Language.nullable(),
  tenants: z.array(z.object({ id: z.uuid(), name: z.string(), displayName: z.string(), role: Role })),
});
export type Me = z.infer<typeof Me>;

/** `cookie` sets an HttpOnly cookie for browsers; `token` answers with a secret for `Authorization: Bearer`. */
const Keep = z.enum(['cookie', 'token']).default('cookie');

export const SessionCreated = z.object({ me: Me, token: z.string().nullable(), expiresAt: z.iso.datetime() });

export const signIn = defineRoute({
  id: 'session.signIn',
  method: 'POST',
  path: '/v1/session',
  permission: 'anyone',
  summary: 'Sign in with name and password',
  body: z.strictObject({ name: UserName, password: z.string().min(1).max(1024), keep: Keep }),
  response: SessionCreated,
  status: 201,
  errors: ['bad-credentials', 'too-many-attempts'],
});

export const signInByLink = defineRoute({
  id: 'session.signInByLink',
  method: 'POST',
  path: '/v1/session/link',
  permission: 'anyone',
  summary: 'Redeem a one-time sign-in link and set the password',
  body: z.strictObject({ secret: z.string().min(1).max(200), password: Password, keep: Keep }),
  response: SessionCreated,
  status: 201,
  errors: ['link-not-valid', 'too-many-attempts'],
});

export const signOut = defineRoute({
  id: 'session.signOut',
  method: 'DELETE',
  path: '/v1/session',
  permission: 'signed-in',
  summary: 'End the session of this request',
});

export const getMe = defineRoute({
  id: 'me.get',
  method: 'GET',
  path: '/v1/me',
  permission: 'signed-in',
  summary: 'Who I am and where I may work',
  response: Me,
});

export const updateMe = defineRoute({
  id: 'me.update',
  method: 'PATCH',
  path: '/v1/me',
  permission: 'signed-in',
  summary: 'Change my display name or language',
  body: z.strictObject({ displayName: Title.optional(), language: Language.nullable().optional() }),
  response: Me,
});

export const changePassword = defineRoute({
  id: 'me.changePassword',
  method: 'PUT',
  path: '/v1/me/password',
  permission: 'signed-in',
  summary: 'Change my password; every other session of mine ends',
  body: z.strictObject({ current: z.string().max(1024), next: Password }),
  errors: ['bad-credentials', 'too-many-attempts'],
});

export const sessionRoutes = [signIn, signInByLink, signOut, getMe, updateMe, changePassword];
