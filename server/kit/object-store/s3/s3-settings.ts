import type { Secret } from '#config/secret.ts';

/** Where a bucket is and what opens it. Nothing else decides: no environment, file or metadata service of AWS is asked. */
export interface S3Settings {
  /** Such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Begins every key; empty, or ends with `/`. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** The bucket stands in the path, not in the host name. */
  readonly pathStyle: boolean;
  /** The endpoint as clients reach it; null = they do not, all bytes go through the platform. */
  readonly publicEndpoint: string | null;
}

/** How long things may take. */
export interface S3Patience {
  readonly connectMs: number;
  /** Without any byte in either direction. */
  readonly idleMs: number;
  /** For an answer that needs no moving of bytes. */
  readonly answerMs: number;
  /** For an answer for which the server moves bytes of ours: copying, joining parts. */
  readonly workMs: number;
  /** From the first try of a request to the beginning of its last. */
  readonly triesMs: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

export const S3_PATIENCE: S3Patience = {
  connectMs: 5_000,
  idleMs: 60_000,
  answerMs: 30_000,
  workMs: 600_000,
  triesMs: 45_000,
  firstDelayMs: 200,
  longestDelayMs: 5_000,
};

/** A start waits this long for a bucket that does not answer. */
export const START_PATIENCE: S3Patience = { ...S3_PATIENCE, answerMs: 10_000, triesMs: 10_000 };
/** S3 refuses signatures that are 15 minutes off. */
export const SKEW_WORTH_SAYING_MS = 2 * 60_000;
