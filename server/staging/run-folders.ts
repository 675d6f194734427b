import type { AttemptId, RunId } from '@sodate/contract/ids.ts';
import path from 'node:path';

/** Where a run's lasting folders are. Pure: nothing is made or looked at. Ids only, never a name that a person gave. */
export interface RunFolders {
  /** Everything that goes away with the run. */
  run(run: RunId): string;
  output(run: RunId): string;
  attach(run: RunId): string;
  logFile(run: RunId, attempt: AttemptId): string;
}

export function makeRunFolders(home: string): RunFolders {
  const folder = (run: RunId): string => path.join(home, 'runs', run);
  return {
    run: folder,
    output: (run) => path.join(folder(run), 'output'),
    attach: (run) => path.join(folder(run), 'attach'),
    logFile: (run, attempt) => path.join(folder(run), 'logs', `${attempt}.log`),
  };
}
