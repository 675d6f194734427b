import { type Executor, type ExecutorId, runsImage } from './executor.ts';

/** The executors of this installation, in the order in which they are preferred. compose.ts makes it; nothing changes it. */
export interface ExecutorRegistry {
  readonly all: readonly Executor[];
  get(id: ExecutorId): Executor | undefined;
  /** Those that can run an image, preferred first. */
  supporting(image: string): readonly Executor[];
}

export function makeExecutorRegistry(executors: readonly Executor[]): ExecutorRegistry {
  const byId = new Map(executors.map((executor) => [executor.id, executor]));
  if (byId.size !== executors.length) throw new Error(`Two executors have one id: ${executors.map(({ id }) => id).join(', ')}`);
  return {
    all: executors,
    get: (id) => byId.get(id),
    supporting: (image) => executors.filter(({ capabilities: { images } }) => runsImage(images, image)),
  };
}
