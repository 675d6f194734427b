import { useSyncExternalStore } from 'react';

/** A yes or no that something outside React finds out and the page shows. */
export interface Flag {
  get(): boolean;
  set(value: boolean): void;
  subscribe(listener: () => void): () => void;
}

export function createFlag(): Flag {
  let raised = false;
  const listeners = new Set<() => void>();
  return {
    get: () => raised,
    set(value) {
      if (raised === value) return;
      raised = value;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const useFlag = (flag: Flag): boolean => useSyncExternalStore(flag.subscribe, flag.get);
