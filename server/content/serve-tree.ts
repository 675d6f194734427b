import { contentHeaders } from '#content/content-headers.ts';
import { readPath } from '#content/content-path.ts';
import { folderPage } from '#content/content-pages.ts';
import type { ContentFile, ContentSource } from '#content/content-source.ts';
import { CHARSET_BYTES, endOf, mediaTypeOf, withCharset } from '#content/media-types.ts';
import type { LiveOpening } from '#content/opening-store.ts';
import { NOTEBOOK_BYTES_LIMIT, notebookPage } from '#content/notebook-page.ts';
import { answerNote, sendPage } from '#content/plain-answers.ts';
import { parseRange } from '#kit/http/byte-range.ts';
import { attachment } from '#kit/http/send-download.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/**
 * Answers from a tree of files, as a web server would: a file as its name says, a folder by its index.html or as a list. A
 * folder's address ends with a slash, so that links between files work.
 */
export async function serveTree(request: IncomingMessage, response: ServerResponse, source: ContentSource, opening: LiveOpening): Promise<void> {
  const address = request.url ?? '';
  const asked = readPath(address);
  const after = new URLSearchParams(address.split('?')[1]).get('after');
  if (asked === null || after?.includes('\0') === true) return answerNote(request, response, 'not-here');
  const file = asked.asFolder ? null : await source.file(asked.path);
  if (file !== null) return serveFile(request, response, { file, name: asked.path, opening });

  const index = asked.asFolder && after === null ? await source.file(asked.path === '' ? 'index.html' : `${asked.path}/index.html`) : null;
  if (index !== null) return serveFile(request, response, { file: index, name: 'index.html', opening });

  const folder = await source.folder(asked.path, after);
  if (folder === null) return answerNote(request, response, 'not-here');
  if (asked.asFolder) return sendPage(request, response, 200, folderPage(asked.path, folder, after === null));
  // Relative, and only the last segment: a path that begins with two slashes would be another host's.
  const last = address.split('?')[0]?.split('/').at(-1) ?? '';
  response.writeHead(302, { location: `./${last}/`, 'cache-control': 'private, no-store', 'content-length': '0' }).end();
}

async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { file, name, opening }: { readonly file: ContentFile; readonly name: string; readonly opening: LiveOpening },
): Promise<void> {
  try {
    const { size } = file;
    // A notebook that is gone to is shown as a page; its own bytes are there for whoever fetches them.
    if (endOf(name) === 'ipynb' && /\btext\/html\b/.test(request.headers.accept ?? '') && size <= NOTEBOOK_BYTES_LIMIT) {
      const shown = notebookPage(name, await buffer(await file.open(undefined)));
      if (shown !== null) return sendPage(request, response, 200, shown, contentHeaders(opening));
    }
    const range = request.headers['if-range'] === undefined ? parseRange(request.headers.range, size) : 'all';
    const type = mediaTypeOf(name);
    // Browsers show PDF by a program of their own, which a sandbox keeps out.
    const rules = contentHeaders(opening, { sandboxed: type !== 'application/pdf' });
    const headers = { ...rules, ...typeHeaders(type, name), 'accept-ranges': 'bytes' };
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${size}`, 'content-length': '0' }).end();
      return;
    }
    const beginning = type === 'text/html' && size > 0 ? await buffer(await file.open({ start: 0, end: Math.min(size, CHARSET_BYTES) - 1 })) : Buffer.alloc(0);
    const length = range === 'all' ? size : range.end - range.start + 1;
    const head = { ...headers, 'content-type': withCharset(type, beginning), 'content-length': String(length) };
    if (request.method === 'HEAD') {
      response.writeHead(200, { ...head, 'content-length': String(size) }).end();
      return;
    }
    const bytes = await file.open(range === 'all' ? undefined : range);
    if (range === 'all') response.writeHead(200, head);
    else response.writeHead(206, { ...head, 'content-range': `bytes ${range.start}-${range.end}/${size}` });
    // Whoever has gone away ends it; a file that has become shorter breaks it off, which the reader sees by its length.
    await pipeline(bytes, response).catch(() => void response.destroy());
  } finally {
    await file.close();
  }
}

const typeHeaders = (type: string, name: string): Record<string, string> => ({
  'content-type': type,
  ...(type === 'application/octet-stream' ? { 'content-disposition': attachment(name) } : {}),
});
