import { createGitEndpoint, GitServerKind } from '@sodate/contract/git.ts';
import type { z } from 'zod';

/* What is being typed of a new git endpoint, and what is sent of it. Pure. */

export const ENDPOINT_KINDS = [...GitServerKind.options, 'local'] as const;
export type EndpointKind = (typeof ENDPOINT_KINDS)[number];

export interface EndpointDraft {
  readonly name: string;
  readonly kind: EndpointKind;
  /** For a folder of the server. */
  readonly root: string;
  /** For servers; the rest too. */
  readonly url: string;
  /** Empty: where such servers have it. */
  readonly apiUrl: string;
  readonly lfsHosts: readonly string[];
  /** Lines that somebody has called the server's own; null while nobody has. */
  readonly hostKeys: string | null;
}

/** Lines of keys that somebody has called the server's own. */
export interface ChosenHostKeys {
  readonly lines: string;
  /** The address that showed them; null for those that somebody had. */
  readonly shownBy: string | null;
}

/** The keys that hold for an address: those that another one showed say nothing about it. */
export const hostKeysFor = (url: string, chosen: ChosenHostKeys | null): string | null =>
  chosen === null || (chosen.shownBy !== null && chosen.shownBy !== url) ? null : chosen.lines;

export function writeEndpoint({ name, kind, root, url, apiUrl, lfsHosts, hostKeys }: EndpointDraft): z.input<typeof createGitEndpoint.body> {
  if (kind === 'local') return { name, kind, root: root.trim() };
  return {
    name,
    kind,
    url: url.trim(),
    lfsHosts: [...lfsHosts],
    // A server that lists nothing has no API to ask.
    ...(apiUrl.trim() === '' || kind === 'plain' ? {} : { apiUrl: apiUrl.trim() }),
    ...(hostKeys === null || !url.trim().startsWith('ssh://') ? {} : { hostKeys }),
  };
}

/** The fields that the server would refuse as they are, by the contract's own rules. */
export function wrongFields(draft: EndpointDraft): ReadonlySet<string> {
  const { error } = createGitEndpoint.body.safeParse(writeEndpoint(draft));
  return new Set((error?.issues ?? []).map(({ path }) => String(path[0] ?? '')));
}
