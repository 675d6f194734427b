/** What a command cannot do, in words for the person who called it. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** The command line does not have the expected form. */
export const usageError = (message: string): CliError => new CliError(message, 2);
