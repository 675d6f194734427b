import { z } from 'zod';
import { TokenId } from './ids.ts';
import { Title } from './names.ts';
import { Instant, PageQuery, pageOf, Person } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** An API key of a user in one tenant. It can do what its user can do there, and nothing elsewhere. */
export const Token = z.object({
  id: TokenId,
  name: z.string(),
  user: Person,
  createdAt: Instant,
  expiresAt: Instant.nullable(),
  lastUsedAt: Instant.nullable(),
});
export type Token = z.infer<typeof Token>;

export const listTokens = defineRoute({
  id: 'tokens.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/tokens',
  permission: 'tenant-viewer',
  summary: "My tokens in this tenant; for its admins, everybody's",
  params: TenantParams,
  query: PageQuery,
  response: pageOf(Token),
});

export const createToken = defineRoute({
  id: 'tokens.create',
  method: 'POST',
  path: '/v1/tenants/{tenant}/tokens',
  permission: 'tenant-viewer',
  summary: 'Create a token of mine; its secret is shown this once',
  params: TenantParams,
  body: z.strictObject({ name: Title, expiresInDays: z.number().int().min(1).max(3650).nullable().default(null) }),
  response: Token.extend({ secret: z.string() }),
  status: 201,
  errors: ['too-many'],
});

export const revokeToken = defineRoute({
  id: 'tokens.revoke',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/tokens/{token}',
  permission: 'tenant-viewer',
  summary: 'End a token at once',
  params: TenantParams.extend({ token: TokenId }),
});

export const tokenRoutes = [listTokens, createToken, revokeToken];
