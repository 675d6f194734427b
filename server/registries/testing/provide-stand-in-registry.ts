import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** For tests: an HTTP server that answers as it is told, in a registry's place or in that of one's sign-in server. */
export interface StandInRegistry {
  /** `127.0.0.1:PORT`, also as seen from names of images. */
  readonly address: string;
  /** What was asked so far: method, path with query, and what it was asked with. */
  readonly asked: readonly { readonly path: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

export async function provideStandInRegistry(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<StandInRegistry> {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const answerJson = (response: ServerResponse, body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
