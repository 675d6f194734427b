import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface LfsAnswer {
  /** Where a content is said to be; beside the repository unless given. */
  readonly href?: (oid: string) => string;
  readonly content?: Buffer;
  /** Of the storage. */
  readonly status?: number;
  /** Of each object. */
  readonly error?: number;
  /** Whom the batch API answers; everybody unless given. */
  readonly allows?: (authorization: string | undefined) => boolean;
}

export interface LfsQuestion {
  readonly path: string;
  readonly authorization: string | undefined;
}

/** What stands in a repository for a content of Git LFS. */
export function lfsPointerOf(bytes: Buffer): { readonly oid: string; readonly pointer: string } {
  const oid = createHash('sha256').update(bytes).digest('hex');
  return { oid, pointer: `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n` };
}

/**
 * For tests: the batch API of Git LFS and the storage behind it, as the protocol's public description has them.
 * @param storage the address of the server that this answers for
 * @param asked collects the questions
 */
export function answerLfs(storage: () => string, content: Buffer, asked: LfsQuestion[], answer: LfsAnswer = {}) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { pathname } = new URL(request.url ?? '', 'http://any');
    if (!pathname.includes('/info/lfs/') && !pathname.startsWith('/storage/')) return false;
    asked.push({ path: pathname, authorization: request.headers.authorization });
    if (pathname.startsWith('/storage/')) return !!response.writeHead(answer.status ?? 200).end(answer.content ?? content);
    if (answer.allows?.(request.headers.authorization) === false) return !!response.writeHead(401).end();
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      const { objects } = JSON.parse(Buffer.concat(body).toString()) as { objects: { oid: string; size: number }[] };
      const found = objects.map((each) => ({
        ...each,
        ...(answer.error === undefined
          ? { actions: { download: { href: (answer.href ?? ((oid) => `${storage()}/storage/${oid}`))(each.oid), header: { 'X-Ticket': 'yes' } } } }
          : { error: { code: answer.error, message: 'gone' } }),
      }));
      response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ transfer: 'basic', objects: found }));
    });
    return true;
  };
}
