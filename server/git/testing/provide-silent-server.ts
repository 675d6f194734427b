import { type AddressInfo, createServer, type Socket } from 'node:net';

/** For tests: takes connections and never says a word. */
export interface SilentServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** How many there have been. */
  connections(): number;
  /** Resolves when whoever connected has gone. */
  allGone(): Promise<void>;
  close(): Promise<void>;
}

export async function provideSilentServer(): Promise<SilentServer> {
  const open = new Set<Socket>();
  const count = { connections: 0 };
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    count.connections += 1;
    open.add(socket);
    socket.on('error', () => {});
    // Read, so that the end is seen.
    socket.resume();
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) for (const done of waiting.splice(0)) done();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count.connections,
    allGone: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
