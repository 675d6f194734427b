import { ApiError, ConnectionError, UnexpectedAnswer } from '@sodate/client/connection-errors.ts';
import { type ErrorThing, isSodateError, type SodateError } from '@sodate/contract/errors.ts';
import type { TFunction } from 'i18next';

export interface ErrorWords {
  readonly text: string;
  readonly code: string | null;
  readonly requestId: string | null;
  /** What stands in the way, such as runs that use what was to be deleted. */
  readonly things: readonly ErrorThing[];
}

/** What an error says to people. `say` puts the server's errors into their language; in English that is the server's own text. */
export function errorWords(error: unknown, t: TFunction, say: (error: SodateError) => string): ErrorWords {
  if (isSodateError(error)) {
    return { text: say(error as SodateError), code: error.code, requestId: error instanceof ApiError ? error.requestId : null, things: error.things };
  }
  if (error instanceof ConnectionError) return { text: t('error.connection'), code: null, requestId: null, things: [] };
  if (error instanceof UnexpectedAnswer) return { text: t('error.unexpected'), code: null, requestId: null, things: [] };
  return { text: `${t('error.unknown')} ${error instanceof Error ? error.message : ''}`.trim(), code: null, requestId: null, things: [] };
}
