import { readPythonJson } from '#kit/read-python-json.ts';
import { expect, it } from 'vitest';

it('reads what JSON is', () => {
  expect(readPythonJson('{"a":[1,"NaN",{"b":"-Infinity"}]}')).toEqual({ a: [1, 'NaN', { b: '-Infinity' }] });
});

it("reads Python's bare words for what no number of JSON can be, and leaves them alone in texts", () => {
  expect(readPythonJson(String.raw`{"NaN": NaN, "b": [-Infinity, Infinity], "c": "NaN, \"Infinity\"", "d": "Infinity"}`)).toEqual({
    NaN: 'NaN',
    b: ['-Infinity', 'Infinity'],
    c: 'NaN, "Infinity"',
    d: 'Infinity',
  });
});

it.each(['', '{', 'NaNa', '{"a": -NaN}', '{a: NaN}', '{"a": NaN'])('refuses %j', (text) => {
  expect(() => readPythonJson(text)).toThrow(SyntaxError);
});

// A pattern that goes back over what it has read takes hours for these, and holds up everybody meanwhile.
it.each([
  ['an open string of escaped quotes', `[NaN, "${String.raw`\"`.repeat(4_000_000)}`],
  ['an open string that ends in the middle of an escape', `[NaN, "${String.raw`\"`.repeat(4_000_000)}\\`],
  ['line breaks behind backslashes', `NaN${'"\\\n'.repeat(2_000_000)}`],
  ['nothing but signs', `NaN${'-'.repeat(8_000_000)}`],
])('gives up %s at once', (_what, text) => {
  expect(() => readPythonJson(text)).toThrow(SyntaxError);
});

it('reads a long list of words', () => {
  expect(readPythonJson(`[${'NaN,'.repeat(100_000)}-Infinity]`)).toHaveLength(100_001);
});
