import { createHash } from 'node:crypto';

/** Names as an archive may hold them: relative, without `.`, `..`, backslashes or control characters, and each once. */
export interface ArchiveNames {
  /** For a folder: its own name, without a slash at the end. What is in it comes later. */
  folder(path: string): string;
  file(path: string): string;
}

/** Whatever made the paths: a job, or somebody who uploaded. */
export function makeArchiveNames(): ArchiveNames {
  /** Names given, as 48 bits of their digest: a million whole names would take 100 MB. Two that meet by chance cost one of them a number. */
  const given = new Set<number>();
  /** Folders that could not have the name they would have had. */
  const renamed = new Map<string, string>();

  const placeOf = (path: string): string => {
    const known = renamed.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    return slash === -1 ? safeSegment(path) : `${placeOf(path.slice(0, slash))}/${safeSegment(path.slice(slash + 1))}`;
  };
  const distinct = (name: string): string => {
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? name : numbered(name, number);
      const key = keyOf(candidate);
      if (given.has(key)) continue;
      given.add(key);
      return candidate;
    }
  };
  return {
    folder(path) {
      const wanted = placeOf(path);
      const name = distinct(wanted);
      if (name !== wanted) renamed.set(path, name);
      return name;
    },
    file: (path) => distinct(placeOf(path)),
  };
}

const keyOf = (name: string): number => createHash('sha1').update(name).digest().readUIntBE(0, 6);

function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 ? `${name.slice(0, dot)} (${number})${name.slice(dot)}` : `${name} (${number})`;
}

/** Bytes that are not UTF-8, which come as private characters, are written `%FF`. */
function safeSegment(segment: string): string {
  const safe = segment
    .replaceAll(/[\uef80-\uefff]/g, (character) => `%${(character.charCodeAt(0) - 0xef00).toString(16).toUpperCase()}`)
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\\/\u202a-\u202e\u2066-\u2069]/g, '_')
    // A drive of Windows.
    .replace(/^([A-Za-z]):/, '$1_');
  return safe === '' || safe === '.' || safe === '..' ? '_'.repeat(Math.max(1, safe.length)) : safe;
}
