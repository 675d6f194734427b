/** A backup cannot be made, read or put back, and why. Shown without a stack. */
export class BackupError extends Error {}
