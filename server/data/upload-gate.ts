import { SodateError } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';

/**
 * Keeps the senders of an upload's parts apart from each other and from its end, within this process: the only one that
 * writes to its store.
 * - Parts with different numbers go side by side. One that is sent again makes its earlier sender stop, and waits for it.
 * - An end (completing, giving up) has the upload for itself. Senders that come meanwhile are refused.
 */
export interface UploadGate {
  /** @throws SodateError `wrong-state` while the upload is ending */
  send<Result>(upload: UploadId, part: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  /**
   * Waits for another end of one of these uploads. Senders are made to stop (`stop`) or are a reason to refuse (`refuse`).
   * @throws SodateError `upload-incomplete` when a part is being sent and that is to be refused
   */
  end<Result>(uploads: readonly UploadId[], senders: 'stop' | 'refuse', work: () => Promise<Result>): Promise<Result>;
}

interface Gate {
  readonly senders: Map<number, { readonly stop: AbortController; readonly left: Promise<void> }>;
  ending: Promise<void> | null;
}

export function makeUploadGate(): UploadGate {
  const gates = new Map<UploadId, Gate>();
  const gateOf = (upload: UploadId): Gate => {
    const gate = gates.get(upload) ?? { senders: new Map(), ending: null };
    gates.set(upload, gate);
    return gate;
  };
  const tidy = (upload: UploadId, gate: Gate): void => {
    if (gate.senders.size === 0 && gate.ending === null && gates.get(upload) === gate) gates.delete(upload);
  };

  const enter = async (upload: UploadId, senders: 'stop' | 'refuse'): Promise<() => void> => {
    while (gateOf(upload).ending) await gateOf(upload).ending;
    const gate = gateOf(upload);
    const [sending] = gate.senders.keys();
    if (senders === 'refuse' && sending !== undefined)
      throw new SodateError('upload-incomplete', { reference: upload, missing: `part ${sending}, which is still being sent` });
    const { promise, open } = latch();
    gate.ending = promise;
    for (const { stop } of gate.senders.values()) stop.abort();
    await Promise.all([...gate.senders.values()].map(({ left }) => left));
    return () => {
      gate.ending = null;
      tidy(upload, gate);
      open();
    };
  };

  return {
    async send(upload, part, work) {
      for (;;) {
        const gate = gateOf(upload);
        if (gate.ending)
          throw new SodateError('wrong-state', { thing: 'Upload', reference: upload, state: 'being completed or given up', needed: 'one that is open' });
        const earlier = gate.senders.get(part);
        if (!earlier) break;
        earlier.stop.abort();
        await earlier.left;
      }
      const gate = gateOf(upload);
      const stop = new AbortController();
      const { promise: left, open } = latch();
      gate.senders.set(part, { stop, left });
      try {
        return await work(stop.signal);
      } finally {
        gate.senders.delete(part);
        tidy(upload, gate);
        open();
      }
    },
    async end(uploads, senders, work) {
      const leave: (() => void)[] = [];
      try {
        // In one order, so that two ends of the same uploads never wait for each other in a circle.
        for (const upload of [...new Set(uploads)].toSorted()) leave.push(await enter(upload, senders));
        return await work();
      } finally {
        for (const go of leave) go();
      }
    },
  };
}

function latch(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}
