import { parseMetricLines } from '#metrics/parse-metric-lines.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const NOW = 1_800_000_000_000;
const check = (line: string, points: readonly (readonly [string, number, number, number])[], malformed = 0): void =>
  expect(parseMetricLines([line], NOW), line).toEqual({
    points: points.map(([series, step, at, value]) => ({ series, step, at, value })),
    malformed,
  });

describe('lines of metrics.jsonl', () => {
  it('have a step, numbers by name, and a time if they like', () => {
    check('{"step":1,"loss":0.5}', [['loss', 1, NOW, 0.5]]);
    check(' {"loss": -1e3, "step": 0, "time": 1700000000.5, "a/b": 2}\r', [
      ['loss', 0, 1_700_000_000_500, -1000],
      ['a/b', 0, 1_700_000_000_500, 2],
    ]);
    check('{"step":-3,"loss":1,"time":"2023-11-14T22:13:20Z"}', [['loss', -3, 1_700_000_000_000, 1]]);
    check('{"step":1}', []);
    check('', []);
  });

  it("may have NaN and infinities, as Python's json writes them or as words", () => {
    check('{"step":1,"a":NaN,"b":Infinity,"c":-Infinity,"d NaN":"NaN","e":"\\"NaN"}', [
      ['a', 1, NOW, NaN],
      ['b', 1, NOW, Infinity],
      ['c', 1, NOW, -Infinity],
      ['d NaN', 1, NOW, NaN],
    ]);
  });

  it('pass over what is no number', () => {
    check('{"step":1,"note":"x","ok":true,"list":[1],"nested":{"loss":1},"none":null}', []);
  });

  it('are counted when they are no such lines', () => {
    for (const line of ['{"loss":1}', '{"step":1.5,"loss":1}', '{"step":"1"}', '[1]', '7', 'null', '{"step":1,', 'nonsense', '{"step":1e300,"loss":1}'])
      check(line, [], 1);
    check(`{"step":1,"${'n'.repeat(1_001)}":1,"loss":2}`, [['loss', 1, NOW, 2]], 1);
    check('{"step":1,"a\\u0000b":1,"\\ud800":2}', [
      ['a\uFFFDb', 1, NOW, 1],
      ['\uFFFD', 1, NOW, 2],
    ]);
    check('{"step":1,"time":-5,"loss":1}', [['loss', 1, NOW, 1]]);
  });

  it('of any text come to an end, and to numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.json())), (lines) => {
        const { points } = parseMetricLines(lines, NOW);
        for (const { step, value } of points) expect([Number.isSafeInteger(step), typeof value]).toEqual([true, 'number']);
      }),
    );
  });
});
