import { BUNDLED_FILE_BYTES_LIMIT } from '@sodate/contract/data.ts';

/** Files up to this size travel in bundles. */
export const BUNDLED_UP_TO_BYTES = BUNDLED_FILE_BYTES_LIMIT;
const BUNDLE_BYTES = 8 * 1024 * 1024;
const BUNDLE_FILES = 200;

/** Groups of files, in their order, each small enough for one request. */
export function* inBundles<File extends { readonly size: number }>(files: Iterable<File>): Generator<readonly File[]> {
  let bundle: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (bundle.length === BUNDLE_FILES || (bundle.length > 0 && bytes + file.size > BUNDLE_BYTES)) {
      yield bundle;
      [bundle, bytes] = [[], 0];
    }
    bundle.push(file);
    bytes += file.size;
  }
  if (bundle.length > 0) yield bundle;
}
