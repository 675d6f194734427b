/** Digests of what is sent, for whoever can compute them while sending. A browser has no running digest, and goes without. */
export interface Digests {
  /** 8 hexadecimal digits. */
  crc32(bytes: Uint8Array): string;
  sha256(): RunningDigest;
}

export interface RunningDigest {
  update(bytes: Uint8Array): Promise<void>;
  /** `sha256:` and 64 hexadecimal digits. Ends it. */
  digest(): string;
}
