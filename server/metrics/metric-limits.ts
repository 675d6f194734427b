/** Series of a run, of all kinds together. Code that puts a step or a file's name into a metric's name makes millions. */
export const SERIES_PER_RUN_LIMIT = 10_000;
/** Of a run, scalars only: 500 series of a million points. */
export const POINTS_PER_RUN_LIMIT = 500_000_000;
/** UTF-8. With a folder before it a name still fits into PostgreSQL's index, which takes no key of 2,700 bytes. */
export const NAME_BYTES_LIMIT = 1_000;
export const FOLDER_BYTES_LIMIT = 500;
/** Parameters of a run, and the characters of one; the latter is MLflow's limit. */
export const PARAMETERS_PER_RUN_LIMIT = 2_000;
export const PARAMETER_VALUE_LIMIT = 6_000;
/** Steps and instants are packed as differences of doubles: up to this size those are exact. */
export const STEP_LIMIT = 2 ** 52;
export const AT_LIMIT = 4_000_000_000_000_000;
