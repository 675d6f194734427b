import { ERROR_CATALOGUE, ErrorBody, type ErrorCode, SodateError } from '@sodate/contract/errors.ts';

/** The server answered with an error. `message` is the server's own text, which may be newer than this client's catalogue. */
export class ApiError extends SodateError {
  readonly status: number;
  /** Under this id the server's log has the details. */
  readonly requestId: string;
  constructor(code: ErrorCode, body: ErrorBody, status: number) {
    super(code, body.params, body.things === undefined ? {} : { things: body.things });
    this.name = 'ApiError';
    this.message = body.message;
    this.status = status;
    this.requestId = body.requestId;
  }
}

/** No answer came: nothing listens, the name is unknown, the connection broke off. */
export class ConnectionError extends Error {
  /** Trying again may help; false for a wrong address or a certificate that is not trusted. */
  readonly passing: boolean;
  constructor(message: string, passing: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'ConnectionError';
    this.passing = passing;
  }
}

/** An answer came that is not this API's: a proxy's page, another program, another version. */
export class UnexpectedAnswer extends Error {
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'UnexpectedAnswer';
    this.status = status;
  }
}

/** The error an answer's text stands for, or null when the text is not one of this API's errors. */
export function readApiError(text: string, status: number): ApiError | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const body = ErrorBody.safeParse(json);
  return body.success ? new ApiError(knownCode(body.data.code, status), body.data, status) : null;
}

/** What an answer that was no error as a whole says of one thing in it. */
export const errorInside = (code: string, message: string): ApiError => new ApiError(knownCode(code, 400), { code, message, params: {}, requestId: '' }, 400);

/** A newer server may know codes that this client does not; the status still tells whose move it is. */
function knownCode(code: string, status: number): ErrorCode {
  if (Object.hasOwn(ERROR_CATALOGUE, code)) return code as ErrorCode;
  return status >= 500 ? 'internal' : 'invalid-request';
}

/** Turns what `fetch` throws into words. Node says why in `cause.code`; browsers say nothing on purpose. */
export function connectionError(error: unknown, server: string): ConnectionError {
  const code = errorCode(error);
  const place = server === '' ? 'the server' : server;
  if (code === 'ECONNREFUSED') {
    return new ConnectionError(`Nothing answers at ${place}. Check that the server is running and that the address is right.`, true, error);
  }
  if (code === 'ENOTFOUND') {
    return new ConnectionError(`The host name of ${place} is not known. Check the address.`, false, error);
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    // Waited for ten seconds already; four more times would only make the caller wait for the same words.
    return new ConnectionError(`${place} does not answer. Check the address, and any firewall in between.`, false, error);
  }
  if (code !== null && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    return new ConnectionError(
      `The certificate of ${place} is not trusted (${code}). Install the authority that signed it; Node reads NODE_EXTRA_CA_CERTS.`,
      false,
      error,
    );
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return new ConnectionError(`${place} does not speak https. Try the address with http://.`, false, error);
  }
  return new ConnectionError(`The connection to ${place} broke off${code === null ? '' : ` (${code})`}. Try again.`, true, error);
}

function errorCode(error: unknown): string | null {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return null;
}

/**
 * Trying again may help: the connection, the server, or the server behind a proxy is away for a moment. 429 and 502
 * to 504 without our body come from a proxy.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.passing;
  if (error instanceof UnexpectedAnswer) return error.status === 429 || (error.status >= 502 && error.status <= 504);
  return error instanceof ApiError && error.status === 503;
}
