import { z } from 'zod';
import { GitCredentialId, GitEndpointId, NamedRef } from './ids.ts';
import { Instant } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/**
 * What is signed in with at a git server: the caller's own credential where there is one, else the tenant's, else none.
 * What it holds is never shown again.
 */
export const GitCredential = z.object({
  id: GitCredentialId,
  endpoint: z.object({ id: GitEndpointId, name: z.string() }),
  /** `tenant`: used by everybody in it who has none. `mine`: used for what the caller does in this tenant. */
  owner: z.enum(['tenant', 'mine']),
  /** As whom, over HTTP. Most servers take any name beside a token. */
  userName: z.string(),
  holds: z.array(z.enum(['token', 'ssh-key'])),
  setAt: Instant,
});
export type GitCredential = z.infer<typeof GitCredential>;

/** HTTP Basic allows no colon and no control character in it. */
const UserName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^:\u0000-\u001f\u007f]*$/, 'must not contain colons or control characters');
const Token = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[\u0020-\u007e]*$/, 'must be printable ASCII without line breaks');
const PrivateKey = z.string().min(1).max(65_536);

const NewCredential = z
  .strictObject({
    userName: UserName.default('git'),
    /** Access token or password, for HTTP and for listing repositories. */
    token: Token.optional(),
    /** Private key without a passphrase, as ssh-keygen writes it, for SSH. */
    privateKey: PrivateKey.optional(),
  })
  .refine(({ token, privateKey }) => token !== undefined || privateKey !== undefined, 'token or privateKey is needed');

const CredentialParams = TenantParams.extend({ endpoint: NamedRef });

export const listGitCredentials = defineRoute({
  id: 'gitCredentials.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/git-credentials',
  permission: 'tenant-member',
  jobDoor: 'closed',
  summary: "What is signed in with at git servers: the tenant's credentials and the caller's own; nothing secret",
  params: TenantParams,
  response: z.object({ items: z.array(GitCredential) }),
});

export const putTenantGitCredential = defineRoute({
  id: 'gitCredentials.putForTenant',
  method: 'PUT',
  path: '/v1/tenants/{tenant}/git-credentials/{endpoint}',
  permission: 'tenant-admin',
  jobDoor: 'closed',
  summary: 'Set what this tenant signs in with at a git server, instead of what it had',
  params: CredentialParams,
  body: NewCredential,
  response: GitCredential,
});

export const deleteTenantGitCredential = defineRoute({
  id: 'gitCredentials.deleteForTenant',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/git-credentials/{endpoint}',
  permission: 'tenant-admin',
  jobDoor: 'closed',
  summary: 'Forget what this tenant signs in with at a git server',
  params: CredentialParams,
});

export const putMyGitCredential = defineRoute({
  id: 'gitCredentials.putMine',
  method: 'PUT',
  path: '/v1/tenants/{tenant}/my-git-credentials/{endpoint}',
  permission: 'tenant-member',
  jobDoor: 'closed',
  summary: 'Set what the caller signs in with at a git server, for what they do in this tenant, instead of what they had',
  params: CredentialParams,
  body: NewCredential,
  response: GitCredential,
});

export const deleteMyGitCredential = defineRoute({
  id: 'gitCredentials.deleteMine',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/my-git-credentials/{endpoint}',
  permission: 'tenant-member',
  jobDoor: 'closed',
  summary: 'Forget what the caller signs in with at a git server in this tenant',
  params: CredentialParams,
});

export const gitCredentialRoutes = [listGitCredentials, putTenantGitCredential, deleteTenantGitCredential, putMyGitCredential, deleteMyGitCredential];
