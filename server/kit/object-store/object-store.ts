import type { ByteRange } from '#kit/http/byte-range.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import type { Readable } from 'node:stream';
import { z } from 'zod';

/**
 * Where the bytes of files are: blobs named by id, apart per tenant, never changed once made.
 *
 * A blob comes into being as an upload of the same id: parts are written, then `seal` makes it whole, durable and
 * digested. The store knows no rows and no names of files. It deletes nothing by itself: from an upload's first byte, or
 * from `markForRemoval`, until `forget`, an id is listed by `listPending`, so that whatever a crash leaves over can be
 * compared with the database and removed.
 *
 * What it throws beyond its promises is a SodateError `disk-full`, or an error of the machine.
 */
export interface ObjectStore {
  /** How long the parts of an upload of `size` bytes are here: at least 5 MiB, since one store or another takes no less. */
  partSize(size: number): number;
  /**
   * Stores part `part` (from 1). Resolves once its bytes are durable. Replaces an earlier one of that number; if it
   * fails, the part is to be taken as lost. The caller keeps two writers of the same part, and writers and `seal`, apart.
   * The body is never destroyed for leaving it early: it may be a request, whose connection serves the next one too.
   * @returns the CRC-32 of its bytes, 8 hexadecimal digits
   * @throws SodateError `part-out-of-form` when the body's length is not that part's
   */
  writePart(upload: UploadShape, part: number, body: Readable, signal: AbortSignal): Promise<string>;
  /**
   * Makes each upload the blob of its id: complete, durable, unchangeable, `sha256:…` of its bytes known. Doing it again
   * does nothing new. What was sealed but has no row yet is still pending.
   * @throws SodateError `upload-incomplete` when the bytes are fewer than they should be
   */
  seal(uploads: readonly UploadShape[]): Promise<ReadonlyMap<UploadId, { readonly digest: string }>>;
  /**
   * Opens a blob, or `end - start + 1` bytes of it, before anything is promised to a reader.
   * @throws SodateError `not-found` when it is not there (any more)
   */
  read(tenant: TenantId, blob: BlobId, range?: ByteRange): Promise<Readable>;
  /**
   * Puts blobs into a folder tree as files that share the store's bytes (`link`: nobody may be able to write to them)
   * or have their own (`copy`). Makes the folders above a target. What is at a target already is replaced. Targets come
   * from the caller's own code: never a user's text without checking. Works off the event loop; memory does not grow.
   * @throws an error of the machine; its code is ENOENT when a blob is not there
   */
  linkBlobs(tenant: TenantId, links: Iterable<BlobLink> | AsyncIterable<BlobLink>, how: 'link' | 'copy', signal: AbortSignal): Promise<void>;
  /** Free space for further uploads; null where that cannot be said. */
  freeBytes(): Promise<number | null>;

  /** Announces, durably, that these blobs are about to lose their rows. */
  markForRemoval(tenant: TenantId, blobs: readonly BlobId[]): Promise<void>;
  /** Removes a blob's bytes. Readers that have it open read on. Idempotent. */
  removeBlob(tenant: TenantId, blob: BlobId): Promise<void>;
  /** Ends the pending state: unsealed parts are gone; a blob stays. Idempotent. */
  forget(tenant: TenantId, id: UploadId | BlobId): Promise<void>;
  listPending(): AsyncIterable<PendingObject>;

  /** How clients exchange bytes with the store itself; null where all goes through the platform. */
  readonly direct: DirectAccess | null;

  /** Ends its worker threads and connections. */
  close(): Promise<void>;
}

export const BlobId = z.uuid().brand<'BlobId'>();
export type BlobId = z.infer<typeof BlobId>;

/** An upload as the store sees it. All parts have `partSize` bytes but the last, which has the rest. */
export interface UploadShape {
  readonly tenant: TenantId;
  readonly id: UploadId;
  readonly size: number;
  readonly partSize: number;
}

/**
 * Addresses at which the bytes of one part or one blob can be sent or read by whoever has them, for a while. They open
 * nothing else, and a part's is dead once its upload has been sealed or forgotten.
 */
export interface DirectAccess {
  /** Where a part is sent, by PUT and with exactly its length. Replaces an earlier one of that number. */
  partAddress(upload: UploadShape, part: number): Promise<string>;
  /** Numbers of the parts that are there with their whole length, however they came, in order. */
  partsThere(upload: UploadShape): Promise<readonly number[]>;
  /** Where a blob is read, by GET, as an attachment of this name. It may be gone by then. */
  blobAddress(tenant: TenantId, blob: BlobId, disposition: string): Promise<string>;
}

export interface BlobLink {
  readonly blob: BlobId;
  /** Where known, what a store that fetches the bytes first makes sure of. */
  readonly digest?: string;
  /** Absolute path of the file to make. */
  readonly target: string;
}

export interface PendingObject {
  readonly tenant: TenantId;
  readonly id: UploadId;
  /** Last touched, by the store's own time. */
  readonly touchedAt: Date;
}

/** The blob an upload becomes has the upload's id: the name of the bytes is known before they are there. */
export const blobOfUpload = (upload: UploadId): BlobId => upload as string as BlobId;

export const partCountOf = (upload: { readonly size: number; readonly partSize: number }): number => Math.ceil(upload.size / upload.partSize);

export const partLengthOf = (upload: { readonly size: number; readonly partSize: number }, part: number): number =>
  Math.max(0, Math.min(upload.partSize, upload.size - (part - 1) * upload.partSize));
