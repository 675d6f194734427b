/** A string, or one of the words that Python writes for what no JSON number can be. */
const STRING_OR_NOT_FINITE = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * Reads JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand bare where a number should be. They become the
 * texts that MLflow's own client sends for them.
 * @throws SyntaxError
 */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(text.replaceAll(STRING_OR_NOT_FINITE, (found) => (found.startsWith('"') ? found : `"${found}"`)));
  }
}
