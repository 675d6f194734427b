/** A fault that a simulation put there. Whatever fails because of one is explained by it. */
export class InjectedFault extends Error {}

/** The database refuses to wait for a lock; the simulation sets this limit, since nothing moves while it waits. */
const LOCK_NOT_AVAILABLE = '55P03';

export function isInjected(error: unknown): boolean {
  if (error instanceof InjectedFault) return true;
  if (typeof error !== 'object' || error === null) return false;
  if ('code' in error && error.code === LOCK_NOT_AVAILABLE) return true;
  return 'cause' in error && isInjected(error.cause);
}

/** What becomes of a held call: it is made and answered, its answer is lost, or it is not made at all. */
export type Fate =
  | { readonly how: 'answered' }
  | { readonly how: 'lost-before' | 'lost-after'; readonly error: Error }
  | { readonly how: 'dies-before' | 'dies-after' };

export interface HeldCall {
  readonly owner: string;
  readonly label: string;
  /** Resolves when whoever made the call has gone on as far as it can. */
  settle(fate: Fate): Promise<void>;
}

/**
 * Everything a simulated server asks of the world outside waits here, until the simulation says which call goes next and
 * what becomes of it. As nothing else in a server takes time, the order of all events, and so a whole simulation, is
 * decided by these choices, and a server can die at every one of its awaits.
 */
export interface HeldCalls {
  readonly waiting: readonly HeldCall[];
  /** `onLost` runs before a lost call is reported: it undoes what the world undoes when a connection breaks. */
  hold<T>(owner: string, label: string, effect: () => T | Promise<T>, onLost?: () => Promise<void>): Promise<T>;
  /** The owner is dead: its calls are never made, and never answered. */
  abandon(owner: string): void;
}

/** All that follows an answer without asking the world again has happened when the event loop comes round. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function makeHeldCalls(): HeldCalls {
  const waiting: HeldCall[] = [];
  return {
    waiting,
    hold: (owner, label, effect, onLost) =>
      new Promise((resolve, reject) => {
        const call: HeldCall = {
          owner,
          label,
          async settle(fate) {
            waiting.splice(waiting.indexOf(call), 1);
            if (fate.how === 'dies-before') return;
            if (fate.how === 'lost-before') {
              await onLost?.();
              reject(fate.error);
              return settled();
            }
            try {
              const answer = await effect();
              if (fate.how === 'dies-after') return;
              if (fate.how === 'lost-after') {
                await onLost?.();
                reject(fate.error);
              } else resolve(answer);
            } catch (error) {
              reject(error);
            }
            return settled();
          },
        };
        waiting.push(call);
      }),
    abandon(owner) {
      for (const call of waiting.filter((held) => held.owner === owner)) waiting.splice(waiting.indexOf(call), 1);
    },
  };
}
