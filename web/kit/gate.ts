/** Something to wait at while it is closed. */
export interface Gate {
  /** Returns when the gate is open. @throws the signal's reason when that comes first */
  pass(signal: AbortSignal): Promise<void>;
  open(): void;
  close(): void;
}

export function createGate(): Gate {
  let closed = false;
  const waiting = new Set<() => void>();
  return {
    async pass(signal) {
      signal.throwIfAborted();
      if (!closed) return;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          waiting.delete(go);
          signal.removeEventListener('abort', go);
          resolve();
        };
        waiting.add(go);
        signal.addEventListener('abort', go);
      });
      signal.throwIfAborted();
    },
    open() {
      closed = false;
      for (const go of [...waiting]) go();
    },
    close() {
      closed = true;
    },
  };
}
