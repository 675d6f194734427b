import { PostgresError, errorCode } from './postgres-error.ts';
import { type PostgresTiming, waitUntil } from './postgres-timing.ts';
import { readProcess } from './read-process.ts';

/**
 * Asks for a fast shutdown (open transactions end, a checkpoint is written), then for an immediate one, then kills. Acknowledged data is
 * safe in each case; after the last two the next start recovers. Signals go to the process first seen, never to a later one with its pid.
 */
export async function stopPostmaster(pid: number, timing: PostgresTiming): Promise<'clean' | 'killed'> {
  const mark = readProcess(pid)?.mark;
  const gone = () => mark === undefined || readProcess(pid)?.mark !== mark;
  const steps = [
    ['SIGINT', timing.fastStopWithinMilliseconds],
    ['SIGQUIT', timing.immediateStopWithinMilliseconds],
    ['SIGKILL', timing.immediateStopWithinMilliseconds],
  ] as const;
  for (const [signal, within] of steps) {
    if (!gone()) send(pid, signal);
    if (await waitUntil(gone, within)) return signal === 'SIGINT' ? 'clean' : 'killed';
  }
  throw new PostgresError('cannot-stop', `PostgreSQL (process ${pid}) does not end even after SIGKILL; it probably waits for a disk that does not answer.`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH')
      throw new PostgresError('cannot-stop', `PostgreSQL (process ${pid}) belongs to another user. Stop it as that user, or as root.`, { cause: error });
  }
}
