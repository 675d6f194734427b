import { PLAIN_PAGE_HEADERS, QUIET_HEADERS } from '#content/content-headers.ts';
import { type Note, NOTE_STATUS, notePage } from '#content/content-pages.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Sends a page that we made. It runs nothing unless `headers` say otherwise. */
export function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  html: string,
  headers: Readonly<Record<string, string>> = { ...PLAIN_PAGE_HEADERS, ...QUIET_HEADERS },
): void {
  const bytes = Buffer.from(html);
  // The rest of a body that nobody wants: as long as it is not read, the next request on this connection waits.
  if (!request.complete) request.resume();
  response.writeHead(status, { ...headers, 'content-type': 'text/html; charset=utf-8', 'content-length': String(bytes.length) });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

export function answerNote(request: IncomingMessage, response: ServerResponse, note: Note): void {
  // The head may be out already when something breaks: cutting the connection tells the reader.
  if (response.headersSent) return void response.destroy();
  sendPage(request, response, NOTE_STATUS[note], notePage(note, request.headers['accept-language']));
}
