import Table from 'cli-table3';

export type Cell = string | number | boolean | null;

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** A table for people: columns aligned also for wide characters, no borders, no colours. Without rows: `(none)`. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '(none)';
  const drawn = new Table({
    head: head.map((title) => title.toUpperCase()),
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  drawn.push(...rows.map((row) => row.map(text)));
  return trimLines(drawn.toString());
}

/** One thing for people: a line per property, those without a value left out. */
export function fields(pairs: readonly (readonly [string, Cell | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length)) + 2;
  return shown.map(([name, value]) => `${`${name}:`.padEnd(width)}${multiline(value ?? '', width)}`).join('\n');
}

const text = (cell: Cell): string => (cell === null || cell === '' ? '-' : printable(String(cell)));

const multiline = (cell: Cell, indent: number): string =>
  String(cell)
    .split('\n')
    .map(printable)
    .join(`\n${' '.repeat(indent)}`);

/** What others wrote must not steer the terminal. */
export function printable(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  return value.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

const trimLines = (drawn: string): string =>
  drawn
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
