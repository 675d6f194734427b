import { SodateError } from '@sodate/contract/errors.ts';

/** What an error of the SDK tells, whatever its class. */
interface Told {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const told = (error: unknown): Told => (typeof error === 'object' && error !== null ? error : {});
const statusOf = (error: unknown): number => told(error).$metadata?.httpStatusCode ?? 0;
const says = (error: unknown, ...names: string[]): boolean => names.includes(told(error).name ?? '') || names.includes(told(error).code ?? '');

/** The thing asked for is not there; to be told from a bucket that is not. */
export const isMissing = (error: unknown): boolean => says(error, 'NoSuchKey', 'NotFound');

/** A multipart upload that was completed or given up. */
export const isUploadGone = (error: unknown): boolean => says(error, 'NoSuchUpload');

/** A part is not the one that was listed a moment ago: its sender sent it again. */
export const isPartChanged = (error: unknown): boolean => says(error, 'InvalidPart');

const CONNECTION = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE'];
const OVERLOADED = ['SlowDown', 'ServiceUnavailable', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded', 'TooManyRequests', 'ReduceYourRateLimit'];
const FULL = ['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'InsufficientCapacity', 'XMinioAdminBucketQuotaExceeded'];

/**
 * Others are at work at the same place. The last is what gateways onto a file system say when the folder of a new object is
 * removed, empty by a deletion, at the moment in which the object is put into it.
 */
const IN_EACH_OTHERS_WAY = ['OperationAborted', 'ConditionalRequestConflict', 'ExistingObjectIsDirectory'];

const isConnectionTrouble = (error: unknown): boolean =>
  says(error, 'TimeoutError', 'RequestTimeout', 'AbortError', ...CONNECTION) || /socket hang up|aborted|premature close/i.test(told(error).message ?? '');

/** Trying the same again may well succeed. */
export const isPassingTrouble = (error: unknown): boolean =>
  !isFull(error) &&
  (isConnectionTrouble(error) || says(error, 'InternalError', ...IN_EACH_OTHERS_WAY, ...OVERLOADED) || statusOf(error) === 429 || statusOf(error) >= 500);

const isFull = (error: unknown): boolean => says(error, ...FULL) || statusOf(error) === 507;

/** The object has no such byte. */
export const isPastEnd = (error: unknown): boolean => says(error, 'InvalidRange') || statusOf(error) === 416;

/** What the caller's own logic goes by; everything else is a trouble of the store. */
export const isAnswer = (error: unknown): boolean => isMissing(error) || isUploadGone(error) || isPartChanged(error) || isPastEnd(error);

export interface AskedStore {
  readonly endpoint: string;
  readonly bucket: string;
}

/** What went wrong, in words for operators. Never the bare text of a server: that may hold anything. */
export function explainS3Error(error: unknown, { endpoint, bucket }: AskedStore): string {
  const at = `the bucket ${bucket} at ${endpoint}`;
  if (says(error, 'NoSuchBucket')) return `there is no bucket ${bucket} at ${endpoint}`;
  if (says(error, 'InvalidAccessKeyId', 'InvalidClientTokenId', 'XAdminUserNotFound'))
    return `${endpoint} does not know the access key of SODATE_S3_ACCESS_KEY_ID`;
  if (says(error, 'SignatureDoesNotMatch')) return `${endpoint} says that SODATE_S3_SECRET_ACCESS_KEY does not belong to SODATE_S3_ACCESS_KEY_ID`;
  if (says(error, 'RequestTimeTooSkewed')) return `the clocks of this machine and of ${endpoint} differ by more than 15 minutes`;
  if (says(error, 'PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'))
    return `the bucket ${bucket} is in another region than SODATE_S3_REGION says`;
  if (says(error, 'AccessDenied') || statusOf(error) === 401 || statusOf(error) === 403) return `access to ${at} is denied`;
  if (says(error, 'NotImplemented') || statusOf(error) === 501)
    return `${endpoint} lacks something that is needed of S3 (${told(error).name ?? 'not implemented'})`;
  if (says(error, ...OVERLOADED) || statusOf(error) === 429 || statusOf(error) === 503) return `${at} is overloaded`;
  // The SDK calls every broken connection a TimeoutError too, so the code goes first.
  const code = told(error).code ?? '';
  if (code !== 'ETIMEDOUT' && CONNECTION.includes(code)) return `${endpoint} cannot be reached (${code})`;
  if (says(error, 'TimeoutError', 'AbortError', 'RequestTimeout', 'ETIMEDOUT')) return `${endpoint} does not answer in time`;
  if (isConnectionTrouble(error)) return `${endpoint} cannot be reached`;
  if (statusOf(error) > 0) return `${at} answered ${statusOf(error)} ${/^\w{1,60}$/.exec(told(error).name ?? '')?.[0] ?? ''}`.trim();
  return `what ${endpoint} answers is not S3 (${/^\w{1,60}$/.exec(told(error).name ?? '')?.[0] ?? 'unknown'})`;
}

export function toStoreError(error: unknown, asked: AskedStore): SodateError {
  if (isFull(error)) return new SodateError('disk-full', { place: 'the object store' }, { cause: error });
  return new SodateError('object-store-unavailable', { reason: explainS3Error(error, asked) }, { cause: error });
}
