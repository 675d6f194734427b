/** What begins or ends a string, an escaped character, or one of the words that Python writes for what no JSON number can be. */
const MARK = /\\.|"|-?\bInfinity\b|\bNaN\b/gs;

/**
 * Reads JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand bare where a number should be. They become the
 * texts that MLflow's own client sends for them. Takes time in proportion to the text, whatever is in it: anybody may send it.
 * @throws SyntaxError
 */
export function readPythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(quoteWords(text));
  }
}

function quoteWords(text: string): string {
  let inString = false;
  return text.replaceAll(MARK, (found) => {
    if (found === '"') inString = !inString;
    return inString || found === '"' || found.startsWith('\\') ? found : `"${found}"`;
  });
}
