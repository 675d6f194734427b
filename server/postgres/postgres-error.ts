export type PostgresErrorCode =
  | 'platform-not-supported'
  | 'cannot-run'
  | 'cannot-initialise'
  | 'cannot-start'
  | 'cannot-stop'
  | 'other-version'
  | 'not-our-folder'
  | 'password-not-valid'
  | 'busy';

/** For the person who starts the server, not for a caller of the API: the message says what is wrong and what to do. */
export class PostgresError extends Error {
  readonly code: PostgresErrorCode;

  constructor(code: PostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PostgresError';
    this.code = code;
  }
}

export const USE_YOUR_OWN = 'or set DATABASE_URL to a PostgreSQL (15 or newer) of your own';

/** The `code` of a system or PostgreSQL error (`ENOENT`, `57P03`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
