import { z } from 'zod';
import { NamedRef } from './ids.ts';
import { Password, Title, UserName } from './names.ts';
import { Instant, PageQuery, pageOf, Person, SearchText } from './paging.ts';
import { defineRoute } from './route.ts';

export const User = z.object({
  ...Person.shape,
  number: z.number().int(),
  systemAdmin: z.boolean(),
  disabled: z.boolean(),
  hasPassword: z.boolean(),
  createdAt: Instant,
});
export type User = z.infer<typeof User>;

/** A one-time address that lets its reader choose a password and signs them in. Shown once. */
export const SignInLink = z.object({ url: z.string(), expiresAt: Instant });

const UserParams = z.object({ user: NamedRef });

export const listUsers = defineRoute({
  id: 'users.list',
  method: 'GET',
  path: '/v1/users',
  permission: 'system-admin',
  summary: 'All users',
  query: PageQuery.extend({ text: SearchText }),
  response: pageOf(User),
});

export const createUser = defineRoute({
  id: 'users.create',
  method: 'POST',
  path: '/v1/users',
  permission: 'system-admin',
  summary: 'Create a user, with a password or with a one-time sign-in link',
  body: z.strictObject({
    name: UserName,
    displayName: Title.optional(),
    systemAdmin: z.boolean().default(false),
    password: Password.optional(),
  }),
  response: User,
  status: 201,
  errors: ['name-taken'],
});

export const getUser = defineRoute({
  id: 'users.get',
  method: 'GET',
  path: '/v1/users/{user}',
  permission: 'system-admin',
  summary: 'One user',
  params: UserParams,
  response: User,
});

export const updateUser = defineRoute({
  id: 'users.update',
  method: 'PATCH',
  path: '/v1/users/{user}',
  permission: 'system-admin',
  summary: 'Change display name, administration right, or whether the user may sign in',
  params: UserParams,
  body: z.strictObject({ displayName: Title.optional(), systemAdmin: z.boolean().optional(), disabled: z.boolean().optional() }),
  response: User,
  errors: ['wrong-state'],
});

export const createSignInLink = defineRoute({
  id: 'users.createSignInLink',
  method: 'POST',
  path: '/v1/users/{user}/sign-in-link',
  permission: 'system-admin',
  summary: 'A new one-time sign-in link; earlier ones of this user end',
  params: UserParams,
  response: SignInLink,
  status: 201,
  errors: ['wrong-state'],
});

export const userRoutes = [listUsers, createUser, getUser, updateUser, createSignInLink];
