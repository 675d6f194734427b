const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (codeOf(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint;
}

export const isForeignKeyViolation = (error: unknown): boolean => codeOf(error) === '23503';

/** The database is not there now (stopped, starting, connection cut): trying again later makes sense. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && /^(08...|57P0[1-3]|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE)$/.test(code)) return isFromDriver(error, code);
  return (
    error instanceof Error && /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(error.message)
  );
}

/** ENOENT and EPIPE also come from files; only those of a connect count. */
const isFromDriver = (error: unknown, code: string): boolean =>
  !code.startsWith('E') || code === 'ECONNREFUSED' || code === 'ECONNRESET' || (error as { syscall?: string }).syscall === 'connect' || code === 'EPIPE';

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', '53100', 'disk-full']);

export const isDiskFull = (error: unknown): boolean => DISK_FULL.has(codeOf(error) ?? '');

/** Whatever was asked of the database would have failed now: doing it in another way does not help. */
export const isAboutDatabase = (error: unknown): boolean => isDatabaseUnavailable(error) || isDiskFull(error);

/** A statement was ended because it took longer than it may. */
export const isStatementTimeout = (error: unknown): boolean => codeOf(error) === '57014';

/** A text that is no value of the type it was said to be of, or one out of its range. */
export const isUnreadableValue = (error: unknown): boolean => codeOf(error)?.startsWith('22') === true;
