import { useEffect, useState } from 'react';

/** The only place in the page that reads the clock. */
export const currentTime = (): number => Date.now();

/** The time, renewed every `everyMs` while `ticking`. */
export function useNow(everyMs: number, ticking = true): number {
  const [now, setNow] = useState(currentTime);
  useEffect(() => {
    if (!ticking) return undefined;
    const timer = setInterval(() => setNow(currentTime()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, ticking]);
  return now;
}
