import { SodateError } from '@sodate/contract/errors.ts';

/**
 * All files of a data are put into one folder for a job, so a name may be there once, and a file cannot be where another
 * has a folder (`a` and `a/b`).
 * @throws SodateError `name-taken`; `invalid-request` where the added names are at odds among themselves
 */
export function checkFileNames(existing: Iterable<string>, added: readonly string[]): void {
  const stored = namesSeen();
  for (const name of existing) stored.add(name);
  const request = namesSeen();
  for (const name of added) {
    // Would be stored as another character, so the file would come back under another name.
    if (/[\ud800-\udfff]/u.test(name)) throw new SodateError('invalid-request', { details: `the file name ${JSON.stringify(name)} is not valid Unicode` });
    const taken = stored.conflict(name);
    if (taken) throw new SodateError('name-taken', taken);
    const beside = request.conflict(name);
    if (beside) throw new SodateError('invalid-request', { details: `${name} cannot be added beside the ${beside.thing} ${beside.name} of the same request` });
    request.add(name);
  }
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
function foldersOf(name: string): readonly string[] {
  const segments = name.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}
