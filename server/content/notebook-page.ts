import { escapeHtml, plainPage } from '#content/content-pages.ts';
import { z } from 'zod';

/** Above it a notebook is its bytes: a page of that size helps nobody. */
export const NOTEBOOK_BYTES_LIMIT = 32 * 1024 * 1024;

/** Texts are written in one piece or as lines. */
const Text = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))]);
const Output = z.object({
  output_type: z.string(),
  text: Text.optional(),
  traceback: z.array(z.string()).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
const Cell = z.object({ cell_type: z.string(), source: Text.default(''), execution_count: z.number().nullish(), outputs: z.array(Output).default([]) });
/** Of nbformat 4 what can be shown. */
const Notebook = z.object({ nbformat: z.literal(4), cells: z.array(Cell) });

/**
 * A notebook as a page: cells in order, texts as they were written, outputs as they were left. What of them is HTML or SVG goes
 * in as it is, since a page of its own could as well hold it: this is shown where such pages are, and nowhere else.
 * @returns null for what is no notebook of a form known here
 */
export function notebookPage(name: string, bytes: Buffer): string | null {
  const notebook = Notebook.safeParse(parseJson(bytes));
  if (!notebook.success) return null;
  const cells = notebook.data.cells.map((cell) => {
    const count = cell.cell_type === 'code' ? `<small>[${cell.execution_count ?? ' '}]</small>` : '';
    return `<section>${count}${preformatted(cell.source)}${cell.outputs.map(showOutput).join('')}</section>`;
  });
  return plainPage(name, cells.join('\n'));
}

function showOutput({ text, traceback, data = {} }: z.output<typeof Output>): string {
  if (text !== undefined) return preformatted(text);
  if (traceback !== undefined) return preformatted(traceback.join('\n'));
  for (const type of ['text/html', 'image/svg+xml']) {
    const html = Text.safeParse(data[type]);
    if (html.success) return `<div>${html.data}</div>`;
  }
  for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp']) {
    const base64 = Text.safeParse(data[type]);
    if (base64.success) return `<img alt="" src="data:${type};base64,${base64.data.replaceAll(/[^A-Za-z0-9+/=]/g, '')}">`;
  }
  const plain = Text.safeParse(data['text/plain']);
  return plain.success ? preformatted(plain.data) : '';
}

/** Without the colours of terminals. */
const preformatted = (text: string): string => (text === '' ? '' : `<pre>${escapeHtml(text.replaceAll(/\u001b\[[0-9;]*m/g, ''))}</pre>`);

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
