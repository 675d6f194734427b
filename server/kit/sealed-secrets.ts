import { Secret } from '#config/secret.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Encryption at rest of secrets that we must be able to read again, such as passwords for other systems: AES-256-GCM
 * under a key made from the installation's, which is never in the database. Whoever has only the database, or a backup
 * of it, reads nothing and can put nothing in its place.
 *
 * A sealed text is bound to an identity: its column first, then what makes its row that row and says where the secret
 * goes. Copied into another row, or after the row was changed by hand, it does not open. Its length shows the secret's.
 */
export interface SealedSecrets {
  seal(secret: Secret, identity: Identity): Buffer;
  /**
   * @param what in an error: `The password for registry.example`
   * @throws SodateError `secret-unreadable` when it was sealed under another key or for another identity, or is damaged
   */
  open(sealed: Uint8Array, identity: Identity, what: string): Secret;
}

export type Identity = readonly [column: string, ...row: readonly string[]];

const CIPHER = 'aes-256-gcm';
/** The first byte of what is stored: says how the rest was made, should that ever change. */
const VERSION = 1;
/** Random nonces of 96 bits under one key are safe for 2^32 seals; these are made by hand, one at a time. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** @param installationKey the home's key. Signatures are made from it too, so this one is derived under a name of its own. */
export function makeSealedSecrets(installationKey: Uint8Array): SealedSecrets {
  const key = Buffer.from(hkdfSync('sha256', installationKey, '', 'sodate sealed secrets 1', 32));
  return {
    seal(secret, identity) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bytesOf(identity));
      const content = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), content]);
    },
    open(sealed, identity, what) {
      try {
        if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) throw new Error(`Not a sealed secret of version ${VERSION}`);
        const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
        const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
          .setAAD(bytesOf(identity))
          .setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES));
        return new Secret(Buffer.concat([cipher.update(sealed.subarray(HEAD_BYTES)), cipher.final()]).toString('utf8'));
      } catch (error) {
        throw new SodateError('secret-unreadable', { what }, { cause: error });
      }
    },
  };
}

/** As JSON, so that ['a', 'bc'] and ['ab', 'c'] are not the same. */
const bytesOf = (identity: Identity): Buffer => Buffer.from(JSON.stringify(identity));
