import type { Clock } from '#kit/clock.ts';
import { isAnswer, isPassingTrouble, toStoreError } from '#kit/object-store/s3/s3-errors.ts';
import { S3_PATIENCE, type S3Patience, type S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { S3Client } from '@aws-sdk/client-s3';

/** What is handed on to the SDK's `send`. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

export interface S3Connection {
  readonly settings: S3Settings;
  readonly clock: Clock;
  readonly patience: S3Patience;
  readonly client: S3Client;
  /**
   * Asks, and asks again after a passing trouble; `ask` makes its request anew each time, body included.
   * @throws what `isAnswer` tells as it came; else SodateError `object-store-unavailable` or `disk-full`; or the signal's reason
   */
  call<Answer>(ask: (client: S3Client, options: SendOptions) => Promise<Answer>, how?: CallOptions): Promise<Answer>;
  close(): void;
}

interface CallOptions {
  /** `bytes`: the request or its answer carries them, so only a standstill counts. Default: `answer` */
  readonly kind?: 'answer' | 'work' | 'bytes';
  readonly signal?: AbortSignal;
}

const ignore = (): void => {};

/** Requests at the same time on one connection each. More make a bucket slower, not faster. */
const SOCKETS = 64;

/** A connection to a bucket. Nothing is sent before the first call. */
export function openS3(settings: S3Settings, clock: Clock, patience: S3Patience = S3_PATIENCE): S3Connection {
  const client = makeS3Client(settings, settings.endpoint, patience);
  return {
    settings,
    clock,
    patience,
    client,
    async call(ask, { kind = 'answer', signal } = {}) {
      const begun = clock.now().getTime();
      for (let tries = 0; ; tries += 1) {
        signal?.throwIfAborted();
        const limit = kind === 'bytes' ? null : AbortSignal.timeout(kind === 'work' ? patience.workMs : patience.answerMs);
        const signals = [signal, limit].filter((one) => one != null);
        try {
          return await ask(client, signals.length === 0 ? {} : { abortSignal: AbortSignal.any(signals) });
        } catch (error) {
          signal?.throwIfAborted();
          if (isAnswer(error)) throw error;
          // Half of it at random, so that many who were told to slow down do not come back together.
          const delay = Math.min(patience.longestDelayMs, patience.firstDelayMs * 2 ** tries) * (0.5 + Math.random() / 2);
          if (!isPassingTrouble(error) || clock.now().getTime() - begun + delay > patience.triesMs) throw toStoreError(error, settings);
          await clock.sleep(delay, signal);
        }
      }
    },
    close: () => client.destroy(),
  };
}

/**
 * Every value that the SDK would otherwise look up in the environment, in `~/.aws` or at a metadata service is given here.
 * Checksums that some servers do not know are left out: what is sent is signed with its sha256 instead.
 */
export function makeS3Client(settings: S3Settings, endpoint: string, patience: S3Patience): S3Client {
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  const credentials = { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey.reveal() };
  return new S3Client({
    endpoint,
    region: settings.region,
    credentials,
    credentialDefaultProvider: () => async () => credentials,
    forcePathStyle: settings.pathStyle,
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    authSchemePreference: ['aws.auth#sigv4'],
    sigv4aSigningRegionSet: [settings.region],
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    followRegionRedirects: false,
    userAgentAppId: 'sodate',
    // The SDK's own default writes to the console.
    logger: { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
    requestHandler: { connectionTimeout: patience.connectMs, socketTimeout: patience.idleMs, httpAgent: agent, httpsAgent: agent },
  });
}
