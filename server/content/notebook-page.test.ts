import { notebookPage } from '#content/notebook-page.ts';
import { describe, expect, it } from 'vitest';

const page = (cells: unknown): string | null => notebookPage('a/<b>.ipynb', Buffer.from(JSON.stringify({ nbformat: 4, cells })));

describe('a notebook as a page', () => {
  it('shows texts, code, outputs and pictures', () => {
    const shown = page([
      { cell_type: 'markdown', source: ['# Title\n', 'a < b'] },
      {
        cell_type: 'code',
        execution_count: 7,
        source: 'print("<script>")',
        outputs: [
          { output_type: 'stream', name: 'stdout', text: ['<script>alert(1)</script>\n', '\u001b[31mred\u001b[0m'] },
          { output_type: 'display_data', data: { 'text/plain': 'a figure', 'image/png': 'aGk=\n"onerror=x' } },
          { output_type: 'execute_result', data: { 'text/plain': ['plain ', '<b>'], 'text/html': '<table id="made"></table>' } },
          { output_type: 'execute_result', data: { 'text/plain': 'only <plain>' } },
          { output_type: 'error', ename: 'E', evalue: 'x', traceback: ['line <1>', 'line 2'] },
        ],
      },
    ]);
    expect(shown).toContain('<pre># Title\na &#60; b</pre>');
    expect(shown).toContain('[7]');
    expect(shown).toContain('<pre>print(&#34;&#60;script&#62;&#34;)</pre>');
    expect(shown).not.toContain('<script>');
    expect(shown).toContain('red</pre>');
    expect(shown).toContain('src="data:image/png;base64,aGk=onerror=x"');
    expect(shown).toContain('<div><table id="made"></table></div>');
    expect(shown).toContain('<pre>only &#60;plain&#62;</pre>');
    expect(shown).toContain('line &#60;1&#62;\nline 2');
    expect(shown).toContain('<title>a/&#60;b&#62;.ipynb</title>');
  });

  it.each([['{'], ['[]'], ['null'], ['{"nbformat":3,"worksheets":[]}'], ['{"nbformat":4,"cells":[{"source":1}]}'], ['{"nbformat":4}']])(
    'is none for %s',
    (text) => {
      expect(notebookPage('x.ipynb', Buffer.from(text))).toBeNull();
    },
  );
});
