import { describe, expect, it } from 'vitest';
import { createGate } from './gate.ts';

describe('a gate', () => {
  const { signal } = new AbortController();

  it('lets everybody through while it is open', async () => {
    await expect(createGate().pass(signal)).resolves.toBeUndefined();
  });

  it('holds those who come while it is closed, until it opens', async () => {
    const gate = createGate();
    gate.close();
    const passed: string[] = [];
    const both = Promise.all(['a', 'b'].map(async (name) => (await gate.pass(signal), passed.push(name))));
    await new Promise((resolve) => setImmediate(resolve));
    expect(passed).toEqual([]);
    gate.open();
    await both;
    expect(passed).toEqual(['a', 'b']);
  });

  it('sends those away whose errand is over', async () => {
    const gate = createGate();
    gate.close();
    const abort = new AbortController();
    const waiting = gate.pass(abort.signal);
    abort.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    await expect(gate.pass(abort.signal)).rejects.toThrow('no longer wanted');
  });
});
