import { SodateError } from '@sodate/contract/errors.ts';
import { hasCost, hashPassword, type ScryptCost, unmatchableHash, verifyPassword } from './password-hash.ts';

/** 32 MiB and about 90 ms of one core. */
export const PASSWORD_COST: ScryptCost = { N: 2 ** 15, r: 8, p: 1 };
/** At most this many at once: 64 MiB, and two of the four threads that node also reads files with. */
export const PASSWORDS_AT_ONCE_LIMIT = 2;
/** Waiting ones beyond this are refused: at about 20 a second these are three seconds. */
export const PASSWORDS_WAITING_LIMIT = 64;
const TRY_AGAIN_SECONDS = 5;

/** Makes and checks password hashes, few at a time, so that sign-ins can exhaust neither memory nor node's threads. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /**
   * `stored: null` stands for a user who does not exist or has no password: takes as long as any other and is false.
   * `admit` is called when the check's turn has come; if it throws, nothing is computed.
   */
  verify(password: string, stored: string | null, admit: () => void): Promise<boolean>;
  /** Whether the hash was made at another cost than the present one and should be made anew. */
  isOutdated(stored: string): boolean;
}

export function makePasswords(cost: ScryptCost = PASSWORD_COST): Passwords {
  const unmatchable = unmatchableHash(cost);
  const waiting: (() => void)[] = [];
  let running = 0;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= PASSWORDS_AT_ONCE_LIMIT) {
      if (waiting.length >= PASSWORDS_WAITING_LIMIT) throw new SodateError('too-many-attempts', { seconds: TRY_AGAIN_SECONDS });
      // Whoever ends hands its place over without giving it up, so `running` is right already when this resumes.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    hash: (password) => inTurn(() => hashPassword(password, cost)),
    verify: (password, stored, admit) =>
      inTurn(async () => {
        admit();
        return verifyPassword(password, stored ?? unmatchable);
      }),
    isOutdated: (stored) => !hasCost(stored, cost),
  };
}
