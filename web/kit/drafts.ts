import type { z } from 'zod';

/* What somebody has typed and not sent yet, kept for this tab: leaving a page by mistake, or a crash, loses nothing. */

const keyOf = (name: string): string => `sodate.draft.${name}`;

/** null when there is none, or none that today's page understands. */
export function readDraft<Draft>(name: string, form: z.ZodType<Draft>): Draft | null {
  try {
    const text = sessionStorage.getItem(keyOf(name));
    return text === null ? null : (form.safeParse(JSON.parse(text)).data ?? null);
  } catch {
    return null;
  }
}

export function writeDraft(name: string, draft: unknown): void {
  try {
    sessionStorage.setItem(keyOf(name), JSON.stringify(draft));
  } catch {
    // Too large, or storage refused: then it is not kept.
  }
}

export function dropDraft(name: string): void {
  try {
    sessionStorage.removeItem(keyOf(name));
  } catch {
    // Nothing was kept.
  }
}
