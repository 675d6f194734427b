import { readJson } from '#mlflow/read-json.ts';
import { expect, it } from 'vitest';

it('reads what JSON is', () => {
  expect(readJson('{"a":[1,"NaN",{"b":"-Infinity"}]}')).toEqual({ a: [1, 'NaN', { b: '-Infinity' }] });
});

it("reads Python's bare words for what no number of JSON can be, and leaves them alone in texts", () => {
  expect(readJson(String.raw`{"NaN": NaN, "b": [-Infinity, Infinity], "c": "NaN, \"Infinity\"", "d": "Infinity"}`)).toEqual({
    NaN: 'NaN',
    b: ['-Infinity', 'Infinity'],
    c: 'NaN, "Infinity"',
    d: 'Infinity',
  });
});

it.each(['', '{', 'NaNa', '{"a": -NaN}', '{a: NaN}', '{"a": NaN'])('refuses %j', (text) => {
  expect(() => readJson(text)).toThrow(SyntaxError);
});
