import { z } from 'zod';
import { NamedRef, RegistryCredentialId, RegistryId } from './ids.ts';
import { Title } from './names.ts';
import { Instant, SearchText } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

const HOST_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST_AND_PORT = `${HOST_PART}(?:\\.${HOST_PART})*(?::[0-9]{1,5})?`;
const PATH_PART = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*';
const PATH = `${PATH_PART}(?:/${PATH_PART})*`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = 'sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}';
/** The first part between slashes is a host if it could not be a path: with a dot or a port, or `localhost`. */
const BEGINS_WITH_HOST = 'localhost/|[^/.:]*[.:][^/]*/';

/** The parts of an image's name. `acme/model` is a path at the default registry, `acme.example/model` is at a host. */
export const IMAGE_PATTERN = new RegExp(
  `^(?:(?=${BEGINS_WITH_HOST})(?<host>${HOST_AND_PORT})/|(?!${BEGINS_WITH_HOST}))(?<path>${PATH})(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`,
);

const partsOf = (text: string): Readonly<Record<string, string | undefined>> => IMAGE_PATTERN.exec(text)?.groups ?? {};
const hasPossiblePort = (host: string | undefined): boolean => {
  const port = host?.split(':')[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
};

/**
 * An image as a submission names it: `[host[:port]/]path[:tag][@digest]`. `host` alone, without tag and path, is the
 * machine itself.
 */
export const ImageReference = z
  .string()
  .min(1)
  .max(1024, { abort: true })
  .regex(
    IMAGE_PATTERN,
    'an image is [host[:port]/]path[:tag][@digest]: the path in lower case, the tag of at most 128 letters, digits and _ . -, the digest as sha256:… with all its digits',
  )
  .refine((text) => hasPossiblePort(partsOf(text)['host']), 'the port must be from 1 to 65535')
  .refine(
    (text) => `${partsOf(text)['host'] ?? ''}/${partsOf(text)['path'] ?? ''}`.length <= 255,
    'host and path must not be longer than 254 characters together',
  )
  // An engine takes `sha256:ab` for the image whose id begins so, whoever brought it there.
  .refine(
    (text) => !/^[0-9a-f]{64}$|^sha(256|384|512)(:|@|$)/.test(text),
    'this is the id that an engine gave an image, which no registry knows: give the name of the image',
  );

/** An image's path at its registry, such as `team/model`. */
export const ImagePath = z
  .string()
  .min(1)
  .max(254)
  .regex(new RegExp(`^${PATH}$`), 'lower-case letters and digits with . _ - between them, parts joined by /');

const HostAndPort = z
  .string()
  .trim()
  .toLowerCase()
  .min(1)
  .max(253)
  .regex(new RegExp(`^${HOST_AND_PORT}$`), 'a host name or IPv4 address, with :port if it is not the usual one; no https:// and no path')
  .refine(hasPossiblePort, 'the port must be from 1 to 65535');

/** What stands before the first slash of an image's name; `docker.io` is meant by names without a host. */
export const RegistryAddress = HostAndPort.refine(
  (text) => /[.:]|^localhost$/.test(text),
  'must have a dot or a port, else names of images cannot refer to it',
).overwrite((text) => (text === 'index.docker.io' ? 'docker.io' : text));

/** Where container images come from, for the chooser and for tenants' passwords. Made by system admins, used by all tenants. */
export const Registry = z.object({
  id: RegistryId,
  number: z.number().int(),
  name: z.string(),
  address: z.string(),
  /** Asked over http, so that passwords travel unencrypted. */
  insecure: z.boolean(),
  /** Hosts besides its own to which it may send us to sign in. */
  tokenHosts: z.array(z.string()),
  createdAt: Instant,
});
export type Registry = z.infer<typeof Registry>;

const TokenHosts = z.array(HostAndPort).max(8, 'at most 8 hosts');

const RegistryParams = z.object({ registry: NamedRef });

export const listRegistries = defineRoute({
  id: 'registries.list',
  method: 'GET',
  path: '/v1/registries',
  permission: 'signed-in',
  summary: 'The registries of container images',
  response: z.object({ items: z.array(Registry) }),
});

export const createRegistry = defineRoute({
  id: 'registries.create',
  method: 'POST',
  path: '/v1/registries',
  permission: 'system-admin',
  summary: 'Register a registry of container images for all tenants',
  body: z.strictObject({ name: Title, address: RegistryAddress, insecure: z.boolean().default(false), tokenHosts: TokenHosts.default([]) }),
  response: Registry,
  status: 201,
  errors: ['name-taken'],
});

export const updateRegistry = defineRoute({
  id: 'registries.update',
  method: 'PATCH',
  path: '/v1/registries/{registry}',
  permission: 'system-admin',
  summary: 'Change its name, whether it is asked over http, or where it may send us to sign in; another address is another registry',
  params: RegistryParams,
  body: z.strictObject({ name: Title.optional(), insecure: z.boolean().optional(), tokenHosts: TokenHosts.optional() }),
  response: Registry,
  errors: ['name-taken'],
});

export const deleteRegistry = defineRoute({
  id: 'registries.delete',
  method: 'DELETE',
  path: '/v1/registries/{registry}',
  permission: 'system-admin',
  summary: "Remove a registry and every tenant's password for it; refused while runs that have not ended use its images",
  params: RegistryParams,
  errors: ['in-use'],
});

/** What a tenant signs in with at one registry. The password is never shown again. */
export const RegistryCredential = z.object({
  id: RegistryCredentialId,
  /** The address as in names of images; it need not be one of a registered registry. */
  host: z.string(),
  userName: z.string(),
  /** Since when this user name and password are in force. */
  setAt: Instant,
});
export type RegistryCredential = z.infer<typeof RegistryCredential>;

/** The form that HTTP Basic allows: no colon and no control character in the name. */
const RegistryUserName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^:\u0000-\u001f\u007f]*$/, 'must not contain colons or control characters');
/** Long enough for the signed tokens that clouds give out as passwords (ECR: about 2,500 characters). */
const RegistryPassword = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters or line breaks');

const CredentialParams = TenantParams.extend({ host: RegistryAddress });

export const listRegistryCredentials = defineRoute({
  id: 'registryCredentials.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/registry-credentials',
  permission: 'tenant-member',
  summary: 'As whom this tenant signs in at registries; no passwords',
  params: TenantParams,
  response: z.object({ items: z.array(RegistryCredential) }),
});

export const putRegistryCredential = defineRoute({
  id: 'registryCredentials.put',
  method: 'PUT',
  path: '/v1/tenants/{tenant}/registry-credentials/{host}',
  permission: 'tenant-admin',
  summary: 'Set the user name and password with which this tenant pulls images of a host',
  params: CredentialParams,
  body: z.strictObject({ userName: RegistryUserName, password: RegistryPassword }),
  response: RegistryCredential,
  errors: ['too-many'],
});

export const deleteRegistryCredential = defineRoute({
  id: 'registryCredentials.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/registry-credentials/{host}',
  permission: 'tenant-admin',
  summary: 'Forget the user name and password for a host',
  params: CredentialParams,
});

const Browse = TenantParams.extend({ registry: NamedRef });

export const listImages = defineRoute({
  id: 'registries.listImages',
  method: 'GET',
  path: '/v1/tenants/{tenant}/registries/{registry}/images',
  permission: 'tenant-member',
  summary: 'Images of a registry, as it lists them; a page may be short or empty and still have a next one',
  params: Browse,
  query: z.strictObject({ text: SearchText, limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(4096).optional() }),
  /** `reference` is the image's whole name but for the tag. */
  response: z.object({ items: z.array(z.object({ name: z.string(), reference: z.string() })), nextCursor: z.string().nullable() }),
  errors: ['registry-failed', 'registry-sign-in-needed', 'registry-sign-in-refused', 'registry-without-catalog', 'secret-unreadable'],
});

export const listImageTags = defineRoute({
  id: 'registries.listTags',
  method: 'GET',
  path: '/v1/tenants/{tenant}/registries/{registry}/tags',
  permission: 'tenant-member',
  summary: 'Tags of an image',
  params: Browse,
  query: z.strictObject({ image: ImagePath }),
  /** `reference` is what a submission takes. `truncated`: the registry has more than are listed here. */
  response: z.object({ items: z.array(z.object({ name: z.string(), reference: z.string() })), truncated: z.boolean() }),
  errors: ['registry-failed', 'registry-sign-in-needed', 'registry-sign-in-refused', 'image-not-found', 'secret-unreadable'],
});

export const registryRoutes = [
  listRegistries,
  createRegistry,
  updateRegistry,
  deleteRegistry,
  listRegistryCredentials,
  putRegistryCredential,
  deleteRegistryCredential,
  listImages,
  listImageTags,
];
