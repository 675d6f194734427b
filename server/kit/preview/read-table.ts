const ROWS_LIMIT = 200;
const CELLS_LIMIT = 100;
const CELL_CHARACTERS_LIMIT = 500;
const DELIMITERS = [',', '\t', ';', '|'] as const;

export interface ReadTable {
  readonly delimiter: string;
  readonly rows: readonly (readonly string[])[];
  /** There are more rows, or cells, than are here. */
  readonly cut: boolean;
}

/**
 * The first rows of a text of cells: quotes as RFC 4180 has them, the delimiter found by what divides the first lines
 * alike.
 * @param textCut the text goes on: its last row is perhaps half a row and left out, unless it is the only one
 */
export function readTable(text: string, name: string, textCut: boolean): ReadTable {
  const delimiter = name.toLowerCase().endsWith('.tsv') ? '\t' : guessDelimiter(text);
  const rows: string[][] = [];
  const state = { row: [] as string[], cell: '', quoted: false, cut: false };
  const endCell = (): void => {
    if (state.row.length >= CELLS_LIMIT) state.cut = true;
    else state.row.push(state.cell.slice(0, CELL_CHARACTERS_LIMIT));
    state.cell = '';
  };
  const endRow = (): void => {
    endCell();
    rows.push(state.row);
    state.row = [];
  };
  let at = 0;
  for (; at < text.length && rows.length < ROWS_LIMIT; at += 1) {
    const character = text[at] ?? '';
    if (state.quoted) {
      if (character !== '"') state.cell += character;
      else if (text[at + 1] === '"') {
        state.cell += '"';
        at += 1;
      } else state.quoted = false;
    } else if (character === '"' && state.cell === '') state.quoted = true;
    else if (character === delimiter) endCell();
    else if (character === '\n') endRow();
    else state.cell += character;
  }
  const more = at < text.length;
  const rest = state.cell !== '' || state.row.length > 0;
  if (!more && rest && (!textCut || rows.length === 0)) endRow();
  return { delimiter, rows, cut: state.cut || more || textCut };
}

/** The delimiter that stands in every one of the first lines, most often. */
function guessDelimiter(text: string): string {
  const lines = text
    .slice(0, 20_000)
    .replaceAll(/"[^"]*"/g, '')
    .split('\n')
    .slice(0, 20)
    .filter((line) => line !== '');
  const least = (delimiter: string): number => Math.min(...lines.map((line) => line.split(delimiter).length - 1));
  return DELIMITERS.toSorted((one, other) => least(other) - least(one))[0] ?? ',';
}
