import { makeUploadGate } from '#data/upload-gate.ts';
import { newId } from '#kit/ids.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { describe, expect, it } from 'vitest';

/** Work that goes on until it is let go or told to stop. */
function work() {
  const held = withResolvers<string>();
  const begun = withResolvers<void>();
  return {
    begun: begun.promise,
    letGo: () => held.resolve('done'),
    run: (signal?: AbortSignal): Promise<string> => {
      begun.resolve();
      signal?.addEventListener('abort', () => held.reject(new Error('stopped')));
      return held.promise;
    },
  };
}

describe('the gate of an upload', () => {
  const upload = newId<UploadId>();

  it('lets different parts in side by side', async () => {
    const gate = makeUploadGate();
    const [one, two] = [work(), work()];
    const sending = [gate.send(upload, 1, one.run), gate.send(upload, 2, two.run)];
    await Promise.all([one.begun, two.begun]);
    one.letGo();
    two.letGo();
    expect(await Promise.all(sending)).toEqual(['done', 'done']);
  });

  it('stops the earlier sender of a part, and lets the later one in when it has left', async () => {
    const gate = makeUploadGate();
    const [earlier, later] = [work(), work()];
    const order: string[] = [];
    const first = gate.send(upload, 1, (signal) => earlier.run(signal).finally(() => order.push('first left')));
    const stopped = first.catch((error: unknown) => error);
    const second = gate.send(upload, 1, (signal) => {
      order.push('second in');
      return later.run(signal);
    });
    await later.begun;
    expect(await stopped).toMatchObject({ message: 'stopped' });
    later.letGo();
    expect(await second).toBe('done');
    expect(order).toEqual(['first left', 'second in']);
  });

  it('does not end while a part is being sent, unless senders are to be stopped', async () => {
    const gate = makeUploadGate();
    const sender = work();
    const sending = gate.send(upload, 3, sender.run);
    await sender.begun;
    await expect(gate.end([upload], 'refuse', async () => 'ended')).rejects.toMatchObject({ code: 'upload-incomplete' });
    const stopped = sending.catch((error: unknown) => error);
    expect(await gate.end([upload], 'stop', async () => 'ended')).toBe('ended');
    expect(await stopped).toMatchObject({ message: 'stopped' });
  });

  it('refuses senders and makes other ends wait while it is ending', async () => {
    const gate = makeUploadGate();
    const ending = work();
    const first = gate.end([upload, newId<UploadId>()], 'refuse', () => ending.run());
    await ending.begun;
    await expect(gate.send(upload, 1, async () => 'sent')).rejects.toMatchObject({ code: 'wrong-state' });
    const second = gate.end([upload], 'refuse', async () => 'second');
    ending.letGo();
    expect(await first).toBe('done');
    expect(await second).toBe('second');
    expect(await gate.send(upload, 1, async () => 'sent')).toBe('sent');
  });
});

function withResolvers<Value>() {
  let resolve = (_value: Value): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve: (value: Value) => resolve(value), reject: (error: Error) => reject(error) };
}
