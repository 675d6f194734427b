import { z } from 'zod';

/** Whose move it is: the caller's request, the caller's rights, the present state of things, a limit, or the platform itself. */
export type Fault = 'request' | 'rights' | 'state' | 'limit' | 'platform';

interface CatalogueEntry {
  readonly status: number;
  readonly fault: Fault;
  /** `{name}` is replaced by the parameter of that name. The text says what is wrong and what to do. */
  readonly text: string;
}

const entry = (status: number, fault: Fault, text: string): CatalogueEntry => ({ status, fault, text });

/** Every error the API can answer with. Codes are stable; texts may improve. */
export const ERROR_CATALOGUE = {
  'invalid-request': entry(400, 'request', 'The request does not have the expected form: {details}'),
  'invalid-cursor': entry(400, 'request', 'The page cursor is not one this list gave out. Start again without a cursor.'),
  'search-not-understood': entry(400, 'request', 'The search is not understood at character {at} (“{near}”): {problem}'),
  'search-too-slow': entry(
    400,
    'limit',
    'This search took longer than {seconds} seconds and was given up. Add a condition that few things meet: a number, a tag, a range of dates, a longer text.',
  ),
  'not-signed-in': entry(401, 'rights', 'Sign in, or send a token: Authorization: Bearer <secret>.'),
  'jobs-only': entry(
    401,
    'rights',
    "This address serves jobs only, by their attempt's token: Authorization: Bearer <token>. Everything else uses the platform's own address.",
  ),
  'bad-credentials': entry(401, 'rights', 'Name or password is wrong.'),
  'link-not-valid': entry(
    401,
    'rights',
    'This sign-in link has been used or has expired. Ask an administrator for a new one; on a new installation, restart the server to print one.',
  ),
  'signature-not-valid': entry(403, 'rights', 'This signed address is not valid or has expired. Ask for a new one.'),
  'not-allowed': entry(403, 'rights', 'This needs the role {needed}. Ask an administrator of the tenant.'),
  'origin-not-allowed': entry(
    403,
    'rights',
    'Requests from {origin} are not accepted. Open the platform at its own address, or set SODATE_PUBLIC_URL to the address you use.',
  ),
  'host-not-allowed': entry(403, 'rights', 'The platform does not answer to the host name {host}. Set SODATE_PUBLIC_URL to the address you use.'),
  'not-found': entry(404, 'request', 'There is no {thing} {reference} here.'),
  'route-not-found': entry(404, 'request', 'There is no {method} {path}. See /v1/docs.'),
  'name-taken': entry(409, 'state', 'There is already a {thing} named {name}. Choose another name.'),
  'in-use': entry(409, 'state', '{thing} {reference} cannot be removed or changed: it is in use by {users}.'),
  locked: entry(409, 'state', 'Data set {reference} has been used by a run and is locked. Copy it and change the copy.'),
  'wrong-state': entry(409, 'state', '{thing} {reference} is {state}; this needs {needed}.'),
  'idempotency-mismatch': entry(409, 'request', 'This Idempotency-Key was used for a different request. Use a new key.'),
  'tenant-not-empty': entry(409, 'state', 'Tenant {name} still holds {holds}. Remove them first.'),
  'upload-incomplete': entry(409, 'state', 'Upload {reference} lacks {missing}. Send the missing parts and complete again.'),
  'part-out-of-form': entry(
    400,
    'request',
    'Part {part} must have {expected} bytes but has {actual}. Every part but the last has the part size given at the start.',
  ),
  'part-damaged': entry(400, 'request', 'Part {part} arrived with the checksum {actual}, not {expected}: it was damaged on its way. Send it again.'),
  'digest-differs': entry(409, 'request', 'The bytes of {name} that arrived have the digest {actual}, not {expected}. Send the file again.'),
  'range-not-satisfiable': entry(416, 'request', 'The file has {size} bytes; the range asked for is outside of it.'),
  'body-too-large': entry(413, 'limit', 'The request body is larger than {limit}.'),
  'too-many': entry(400, 'limit', 'At most {limit} {things} at once.'),
  'metrics-limit': entry(409, 'limit', 'A run has at most {limit} {things}. Nothing of this request was stored. Log fewer of them, or in another run.'),
  'parameter-set': entry(
    409,
    'state',
    'The parameter {name} of this run is {present} and stays so: parameters say how a run was begun. Log what changes as a metric.',
  ),
  'too-many-attempts': entry(429, 'limit', 'Too many failed sign-ins. Try again in {seconds} seconds.'),
  'over-quota': entry(
    400,
    'limit',
    'The request asks for {asked} but tenant {tenant} may use at most {limit}. Ask for less, or ask an administrator to raise the quota.',
  ),
  'engine-unreachable': entry(503, 'platform', 'The engine that runs it does not answer now. Try again later.'),
  'image-not-supported': entry(400, 'request', 'No executor here can run the image {image}. Available: {available}.'),
  'partition-unknown': entry(404, 'request', 'There is no partition {partition}. Known: {known}.'),
  'git-repository-not-found': entry(404, 'request', 'There is no git repository {repository} at {endpoint}. Known: {known}.'),
  'git-revision-not-found': entry(404, 'request', 'There is no branch, tag or commit {revision} in {repository}.'),
  'git-failed': entry(502, 'platform', 'git could not read {repository}: {reason}'),
  'git-sign-in-needed': entry(
    409,
    'state',
    'The git server {endpoint} shows {repository} to nobody who has not signed in, or has none of that name. Set what to sign in with: sodate git login {endpoint}',
  ),
  'git-sign-in-refused': entry(
    409,
    'state',
    'The git server {endpoint} does not show {repository} to the credential that {owner} has there: it is wrong, has expired, or may not read this. Set another one: sodate git login {endpoint}',
  ),
  'git-host-key-changed': entry(
    409,
    'state',
    'The git server {endpoint} shows another SSH host key than it is known by. Somebody may stand between; nothing was sent. If the server has a new key, a system admin says so: sodate git edit {endpoint} --scan-host-keys',
  ),
  'git-server-unreachable': entry(502, 'platform', 'The git server {endpoint} cannot be reached: {reason}'),
  'git-server-silent': entry(504, 'platform', 'The git server {endpoint} accepts connections but said nothing for {seconds} seconds. Try again later.'),
  'git-without-list': entry(409, 'state', 'The git server {endpoint} lists no repositories. Type the name of the repository.'),
  'git-submodule-refused': entry(409, 'state', 'The submodule {submodule} of {repository} cannot be had: {reason}'),
  'git-lfs-missing': entry(409, 'state', 'The content of {file} in {repository}, which is kept by Git LFS, cannot be had: {reason}'),
  'registry-failed': entry(502, 'platform', 'The registry {registry} cannot be read: {reason}'),
  'registry-sign-in-needed': entry(
    409,
    'state',
    'The registry {registry} asks for a user name and password, and this tenant has none for {host}. An admin of the tenant sets them: sodate registry login {host} --user NAME',
  ),
  'registry-sign-in-refused': entry(
    409,
    'state',
    'The registry {registry} does not accept the user name and password that this tenant has for {host}. An admin of the tenant sets others: sodate registry login {host} --user NAME',
  ),
  'registry-without-catalog': entry(409, 'state', 'The registry {registry} does not list its images for this tenant. Type the name of the image.'),
  'image-not-found': entry(
    404,
    'request',
    'There is no image {image} at the registry {registry} that this tenant may read. Check its name, and the user name that the tenant has there.',
  ),
  'secret-unreadable': entry(
    409,
    'state',
    '{what} cannot be read with the key of this installation. Restore the key file of its home from a backup, or set the secret again.',
  ),
  'parent-not-usable': entry(409, 'state', '{parent} is {state} and cannot be a parent. Choose a run that has ended.'),
  'written-by-job': entry(409, 'state', '{name} was written by the job and stays with the run. Only what somebody attached can be removed.'),
  'content-host-needed': entry(
    409,
    'state',
    'Pages that jobs wrote are shown under host names of their own, and there are none for {host}: set SODATE_CONTENT_HOST to a name whose subdomains all lead here, or open the platform as http://localhost on the machine it runs on. Files can be read as text and downloaded all the same.',
  ),
  'archives-busy': entry(
    429,
    'limit',
    '{limit} archives of this tenant, or too many in all, are being made now. Try again when one has ended, or fetch the files one by one.',
  ),
  'disk-full': entry(507, 'platform', 'The disk of {place} is full. Nothing was stored. Free some space and try again.'),
  'object-store-unavailable': entry(503, 'platform', 'The object store cannot be used now: {reason}. Nothing was lost. Try again in a moment.'),
  'shutting-down': entry(503, 'platform', 'The server is stopping. Try again in a moment.'),
  'database-unavailable': entry(503, 'platform', 'The database does not answer. Try again in a moment.'),
  internal: entry(500, 'platform', 'Something went wrong on the server. The server log has the details under request {requestId}.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
export type ErrorParams = Readonly<Record<string, string | number>>;

/** A thing that an error speaks of, such as one that stands in the way. */
export const ErrorThing = z.object({
  kind: z.string(),
  id: z.string(),
  /** As people name it: `#12`, `training-3`. */
  reference: z.string(),
  name: z.string(),
});
export type ErrorThing = z.infer<typeof ErrorThing>;

const MARKER = Symbol.for('sodate.error');

/** The one error class of the platform. Recognise it by `isSodateError`, which survives two copies of this module. */
export class SodateError extends Error {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  /** Some of the things it speaks of, where there are any; `params` may say how many there are in all. */
  readonly things: readonly ErrorThing[];
  constructor(code: ErrorCode, params: ErrorParams = {}, options?: { cause?: unknown; things?: readonly ErrorThing[] }) {
    super(errorText(code, params), options);
    this.name = 'SodateError';
    this.code = code;
    this.params = params;
    this.things = options?.things ?? [];
    Object.defineProperty(this, MARKER, { value: true });
  }
}

export const isSodateError = (error: unknown): error is SodateError => typeof error === 'object' && error !== null && MARKER in error;

export function errorText(code: ErrorCode, params: ErrorParams): string {
  return ERROR_CATALOGUE[code].text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** What an error looks like on the wire. */
export const ErrorBody = z.object({
  code: z.string(),
  message: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number()])),
  requestId: z.string(),
  /** Of `in-use`: the first of what stands on the thing; `params.total` counts them all. */
  things: z.array(ErrorThing).optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
