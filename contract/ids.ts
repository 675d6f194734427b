import { z } from 'zod';

/**
 * Every thing has an id: a UUIDv7 made by the program that creates it. What people name also has a `number`, unique in
 * the installation within its kind (`#12`). Path parameters accept either.
 */
const uuid = z.uuid();

export const TenantId = uuid.brand<'TenantId'>();
export const UserId = uuid.brand<'UserId'>();
export const TokenId = uuid.brand<'TokenId'>();
export const DataId = uuid.brand<'DataId'>();
export const FileId = uuid.brand<'FileId'>();
export const UploadId = uuid.brand<'UploadId'>();
export const DatasetId = uuid.brand<'DatasetId'>();
export const GitEndpointId = uuid.brand<'GitEndpointId'>();
export const GitCredentialId = uuid.brand<'GitCredentialId'>();
export const RegistryId = uuid.brand<'RegistryId'>();
export const RegistryCredentialId = uuid.brand<'RegistryCredentialId'>();
export const NodeId = uuid.brand<'NodeId'>();
export const RunId = uuid.brand<'RunId'>();
export const AttemptId = uuid.brand<'AttemptId'>();
export type TenantId = z.infer<typeof TenantId>;
export type UserId = z.infer<typeof UserId>;
export type TokenId = z.infer<typeof TokenId>;
export type DataId = z.infer<typeof DataId>;
export type FileId = z.infer<typeof FileId>;
export type UploadId = z.infer<typeof UploadId>;
export type DatasetId = z.infer<typeof DatasetId>;
export type GitEndpointId = z.infer<typeof GitEndpointId>;
export type GitCredentialId = z.infer<typeof GitCredentialId>;
export type RegistryId = z.infer<typeof RegistryId>;
export type RegistryCredentialId = z.infer<typeof RegistryCredentialId>;
export type NodeId = z.infer<typeof NodeId>;
export type RunId = z.infer<typeof RunId>;
export type AttemptId = z.infer<typeof AttemptId>;

/** How a caller names a thing: its id, or its number with or without `#`. */
export const ThingRef = z
  .union([uuid, z.string().regex(/^#?[1-9][0-9]{0,14}$/)], { error: 'must be an id (UUID) or a number' })
  .describe('Id (UUID) or number');

/** How a caller names a thing that has a unique name: its id or that name. */
export const NamedRef = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\u0000]*$/, 'must not contain NUL')
  .describe('Id (UUID) or name');

/** How a caller names a run: its id, or kind and number, such as `training-12`. */
export const RunRef = z
  .union([uuid, z.string().regex(/^[a-z]+-[1-9][0-9]{0,14}$/)], { error: 'must be an id (UUID), or kind and number such as training-12' })
  .describe('Id (UUID), or kind and number such as training-12');
