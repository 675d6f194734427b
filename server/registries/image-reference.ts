import { IMAGE_PATTERN, ImageReference } from '@sodate/contract/registries.ts';

/** An image's name with everything that it leaves unsaid filled in, except the tag. */
export interface ParsedImage {
  /** Host and perhaps port in lower case, as credentials are kept; `docker.io` when the name has none. */
  readonly registry: string;
  /** `library/python` for `python`. */
  readonly path: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

/** Where names without a host lead. Engines know it under this name, whatever its servers are called. */
export const DEFAULT_REGISTRY = 'docker.io';
/** An older name of the same. */
const FORMER_DEFAULT_REGISTRY = 'index.docker.io';
const MACHINE_ITSELF = 'host';

/** @returns null for what is no image: a text out of form, and `host`, the machine itself */
export function parseImageReference(text: string): ParsedImage | null {
  if (text === MACHINE_ITSELF || !ImageReference.safeParse(text).success) return null;
  const { host, path = '', tag, digest } = IMAGE_PATTERN.exec(text)?.groups ?? {};
  const named = host?.toLowerCase() ?? DEFAULT_REGISTRY;
  const registry = named === FORMER_DEFAULT_REGISTRY ? DEFAULT_REGISTRY : named;
  return { registry, path: pathAt(registry, path), tag: tag ?? null, digest: digest ?? null };
}

/** At Docker Hub an image of one word belongs to `library`; everywhere else it is what it is. */
export const pathAt = (registry: string, path: string): string => (registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path);
