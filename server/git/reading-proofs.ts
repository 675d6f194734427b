import type { Clock } from '#kit/clock.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';

/** What a server showed to a credential it is taken to show it for so long. */
const PROOF_MINUTES = 5;
const PROOFS_LIMIT = 10_000;

interface Shown {
  readonly endpoint: GitEndpointId;
  readonly repository: string;
  /** The credential's version; null for nobody in particular. */
  readonly credential: string | null;
}

/**
 * Which credentials may read which repositories, as their servers have lately shown: mirrors are shared by all tenants,
 * and this keeps what one tenant's credential brought from those whose cannot read it. In memory only; what is lost is
 * asked again.
 */
export interface ReadingProofs {
  record(shown: Shown): void;
  holds(shown: Shown): boolean;
}

export function makeReadingProofs(clock: Clock): ReadingProofs {
  const until = new Map<string, number>();
  const keyOf = ({ endpoint, repository, credential }: Shown): string => JSON.stringify([endpoint, repository, credential]);
  return {
    record(shown) {
      const key = keyOf(shown);
      // Put at the end again, so that the oldest are at the front.
      until.delete(key);
      until.set(key, clock.now().getTime() + PROOF_MINUTES * 60_000);
      for (const oldest of until.keys()) {
        if (until.size <= PROOFS_LIMIT) break;
        until.delete(oldest);
      }
    },
    holds: (shown) => (until.get(keyOf(shown)) ?? 0) > clock.now().getTime(),
  };
}
