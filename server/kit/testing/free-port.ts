/** For tests: a port for a program that cannot choose one itself. */
import { createServer } from 'node:net';

/** Outside the range from which the system gives out ports by itself, so that it stays free until it is taken, and between two starts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
