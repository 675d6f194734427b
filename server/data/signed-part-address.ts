import { createHmac, timingSafeEqual } from 'node:crypto';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';

/**
 * An address that lets whoever has it send any part of one upload, until it expires. One signature serves all parts: the
 * contract gives the address with the part's number left open, and who may send part 1 may send part 2.
 */
export function signedPartAddress(key: Uint8Array, upload: UploadId, expiresAt: Date): string {
  const expires = Math.floor(expiresAt.getTime() / 1000);
  return `/v1/uploads/${upload}/parts/{part}?expires=${expires}&signature=${signature(key, upload, expires)}`;
}

/** Asks where a part can be sent to the store itself; opens no more than the address above. */
export const signedAddressQuestion = (partUrl: string): string => partUrl.replace('/parts/{part}?', '/parts/{part}/address?');

/** @throws SodateError `signature-not-valid`, the same for every reason */
export function checkPartAddress(
  key: Uint8Array,
  address: { readonly upload: UploadId; readonly expires: number; readonly signature: string },
  now: Date,
): void {
  const expected = Buffer.from(signature(key, address.upload, address.expires));
  const given = Buffer.from(address.signature);
  const matches = given.length === expected.length && timingSafeEqual(given, expected);
  if (!matches || address.expires * 1000 <= now.getTime()) throw new SodateError('signature-not-valid');
}

/** The purpose is signed too, so nothing else that this key ever signs can be taken for it. */
const signature = (key: Uint8Array, upload: UploadId, expires: number): string =>
  createHmac('sha256', key).update(`upload-parts\n${upload}\n${expires}`).digest('base64url');
