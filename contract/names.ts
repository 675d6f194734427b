import { z } from 'zod';

/** Names people give. The forms are KAMONOHASHI's where it has one, so that what exists there can come over unchanged. */

export const TenantName = z
  .string()
  .max(63)
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'lower-case letters, digits and inner hyphens, beginning with a letter');

export const UserName = z
  .string()
  .trim()
  .max(128)
  .regex(/^[a-zA-Z0-9]([-_.@a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'letters, digits and inner - _ . @');

export const PartitionName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'letters, digits and inner - _ .');

/** Text shown to people on one line: trimmed, not blank, no control characters. */
export const Title = z
  .string()
  .trim()
  .min(1, 'must not be blank')
  .max(255)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters');

export const Memo = z
  .string()
  .max(10_000)
  .regex(/^[^\u0000]*$/, 'must not contain NUL');

export const Tag = z
  .string()
  .trim()
  .max(128)
  .regex(/^[^,!=<>\u0000-\u001f][^,\u0000-\u001f]*$/, 'no comma, no control character, and none of ! = < > as the first character');
export const Tags = z.array(Tag).max(100);

export const Password = z.string().min(8, 'at least 8 characters').max(1024);

export const EnvironmentName = z
  .string()
  .max(256)
  .regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, 'letters, digits and - . _, not beginning with a digit');
/** Variables a submitter adds: at most 256 of them, 32 KiB a value. NUL cannot be passed to a process. */
export const Environment = z
  .record(
    EnvironmentName,
    z
      .string()
      .max(32_768)
      .regex(/^[^\u0000]*$/, 'must not contain NUL'),
  )
  .refine((variables) => Object.keys(variables).length <= 256, 'at most 256 variables');

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/**
 * A file's name inside its data: one or more segments joined by `/`, each at most 255 bytes in UTF-8 (what ext4, XFS and
 * S3 gateways hold), none of them `.`, `..` or empty, no control characters, no backslash.
 */
export const FileName = z
  .string()
  .min(1)
  .max(1024)
  .refine((name) => bytesOf(name) <= 1024, 'at most 1,024 bytes in UTF-8')
  .refine(
    (name) => name.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..' && bytesOf(segment) <= 255),
    'each part between slashes must be 1 to 255 bytes long and neither . nor ..',
  )
  .regex(/^[^\u0000-\u001f\u007f\\]*$/, 'must not contain control characters, line breaks or backslashes');
