import type { Terminal } from '../terminal.ts';
import { formatBytes } from './bytes.ts';

export interface Progress {
  update(done: number, total: number, what: string): void;
  /** Removes the line, so that what is printed next stands alone. */
  end(): void;
}

const WIDTH = 30;

/** One line on stderr that is drawn over and over; nothing where nobody looks or JSON is wanted. */
export function progress(terminal: Terminal, quiet: boolean): Progress {
  if (quiet || !terminal.interactive) return { update: () => undefined, end: () => undefined };
  return {
    update(done, total, what) {
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░');
      terminal.err(`\r\u001b[K${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${formatBytes(done)} of ${formatBytes(total)}  ${what}`);
    },
    end: () => terminal.err('\r\u001b[K'),
  };
}
