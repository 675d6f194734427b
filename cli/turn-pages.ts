import { persist } from '@sodate/client/backoff.ts';
import { isPassing } from '@sodate/client/connection-errors.ts';
import { BACKOFF } from './save-file.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/**
 * The pages of a long list; the next one is asked for while one is worked on. That the server is not there is told at once
 * by the first page; the later ones wait for it, as what is done with them does.
 */
export async function* turnPages<Item>(
  signal: AbortSignal,
  ask: (cursor: { readonly cursor?: string }) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[]> {
  const begin = (cursor: string): Promise<Page<Item>> => {
    const page = persist(BACKOFF, signal, isPassing, () => ask({ cursor }));
    // Looked at in its turn.
    page.catch(() => {});
    return page;
  };
  for (let asked: Promise<Page<Item>> | null = ask({}); asked !== null;) {
    const { items, nextCursor }: Page<Item> = await asked;
    asked = nextCursor === null ? null : begin(nextCursor);
    yield items;
  }
}
