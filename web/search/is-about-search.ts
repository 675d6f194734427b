import { isSodateError } from '@sodate/contract/errors.ts';

/** Whether an error is about the search as it was written, and is shown at its field. */
export const isAboutSearch = (error: unknown): boolean => isSodateError(error) && error.code === 'search-not-understood';
