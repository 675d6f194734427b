/** An image's name in the parts that the engine wants apart. */
export interface ParsedImage {
  /** `127.0.0.1:5000/team/model`: everything before tag and digest. */
  readonly repository: string;
  /** `v1`; `latest` when the name has neither tag nor digest; null when it has only a digest. */
  readonly tag: string | null;
  /** `sha256:…` */
  readonly digest: string | null;
}

/** The engine checks the grammar; this only finds where the parts are. A colon before a slash belongs to a port. */
export function parseImage(image: string): ParsedImage {
  const at = image.indexOf('@');
  const digest = at < 0 ? null : image.slice(at + 1);
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  if (colon > named.lastIndexOf('/')) return { repository: named.slice(0, colon), tag: named.slice(colon + 1), digest };
  return { repository: named, tag: digest === null ? 'latest' : null, digest };
}

/** The parts of a name in the shortest form that means the same, so that two names of one image can be compared. */
export function familiarReference(image: string): ParsedImage {
  const parsed = parseImage(image);
  return { ...parsed, repository: familiarRepository(parsed.repository) };
}

/** The name under which the engine keeps it: without the tag where a digest says more. */
export const engineReference = ({ repository, tag, digest }: ParsedImage): string => (digest === null ? `${repository}:${tag}` : `${repository}@${digest}`);

/** As the engine shortens names of its default registry, so that `RepoDigests` can be compared. */
export const familiarRepository = (repository: string): string => repository.replace(/^(index\.)?docker\.io\/(library\/)?/, '');
