import type { Preview } from '@sodate/contract/preview.ts';
import { formatBytes } from './bytes.ts';
import { printable, table } from './table.ts';

/** Columns of a table that fit a terminal; the rest are said to be there. */
const COLUMNS_SHOWN = 12;

/** What the server could show of a file, for people. */
export function showPreview(preview: Preview): string {
  const about = `(${formatBytes(preview.size)}${preview.cut ? ', the beginning of it' : ''})`;
  switch (preview.kind) {
    case 'image':
      return `${preview.format.toUpperCase()} image${preview.width === null ? '' : `, ${preview.width} × ${preview.height} pixels`} ${about}`;
    case 'table': {
      const [head = [], ...rows] = preview.rows;
      const width = Math.min(COLUMNS_SHOWN, Math.max(head.length, ...rows.map((row) => row.length)));
      const shown = (row: readonly string[]): string[] => Array.from({ length: width }, (_, at) => row[at] ?? '');
      return `${table(shown(head).map(printable), rows.map(shown))}\n${about}`;
    }
    case 'json':
      return `${cleaned(preview.text)}\n${preview.problem === null ? '' : `Not JSON: ${printable(preview.problem)}\n`}${about}`;
    case 'text':
      return `${cleaned(preview.text)}\n(${preview.encoding}) ${about}`;
    case 'binary':
      return `${preview.hex.join('\n')}\n${about}`;
  }
}

/** Line by line, so that the breaks stay. */
const cleaned = (text: string): string => text.split('\n').map(printable).join('\n');
