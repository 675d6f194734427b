import { SodateError } from '@sodate/contract/errors.ts';

/**
 * All files of a data are put into one folder for a job, so a name may be there once, and a file cannot be where another
 * has a folder (`a` and `a/b`).
 * @returns what keeps a name from being added: `name-taken`, or `invalid-request` where the added names are at odds among themselves
 */
export function refusedNames(existing: Iterable<string>, added: readonly string[]): ReadonlyMap<string, SodateError> {
  const refused = new Map<string, SodateError>();
  const stored = namesSeen();
  for (const name of existing) stored.add(name);
  const request = namesSeen();
  for (const name of added) {
    const taken = stored.conflict(name);
    const beside = request.conflict(name);
    // Would be stored as another character, so the file would come back under another name.
    if (/[\ud800-\udfff]/u.test(name)) refused.set(name, invalid(`the file name ${JSON.stringify(name)} is not valid Unicode`));
    else if (taken) refused.set(name, new SodateError('name-taken', taken));
    else if (beside) refused.set(name, invalid(`${name} cannot be added beside the ${beside.thing} ${beside.name} of the same request`));
    else request.add(name);
  }
  return refused;
}

const invalid = (details: string): SodateError => new SodateError('invalid-request', { details });

/** @throws SodateError the first of `refusedNames` */
export function checkFileNames(existing: Iterable<string>, added: readonly string[]): void {
  for (const error of refusedNames(existing, added).values()) throw error;
}

function namesSeen() {
  const files = new Set<string>();
  const folders = new Set<string>();
  return {
    add(name: string): void {
      files.add(name);
      for (const folder of foldersOf(name)) folders.add(folder);
    },
    conflict(name: string): { readonly thing: string; readonly name: string } | null {
      if (files.has(name)) return { thing: 'file', name };
      if (folders.has(name)) return { thing: 'folder', name };
      const file = foldersOf(name).find((folder) => files.has(folder));
      return file === undefined ? null : { thing: 'file', name: file };
    },
  };
}

/** `a/b/c` → `a`, `a/b` */
export function foldersOf(name: string): readonly string[] {
  const segments = name.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}
