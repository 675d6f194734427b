/**
 * Writes the table of digits as 8×8 greyscale PNG files into `<out>/<split>/<digit>/<line>.png`: 20 folders, one for each
 * digit and split. A file's name is its line in the table (0001 to 1797), so that an image can be traced to its source.
 *
 *     node write-images.mjs OUT
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng } from './model/png.mjs';

/**
 * @typedef {'training' | 'testing'} Split
 * @typedef {{ readonly line: number, readonly values: readonly number[], readonly digit: number, readonly split: Split }} Row
 * @typedef {{ readonly split: Split, readonly digit: number, readonly folder: string, readonly files: readonly string[] }} ImageFolder
 */

const SIDE = 8;
const INK = 16;
/** @type {readonly Split[]} */
const SPLITS = ['training', 'testing'];
const TABLE = fileURLToPath(new URL('./data/digits.csv', import.meta.url));

/**
 * @param {string} out made when it is not there; files of the same name are written again
 * @param {string} [table]
 * @returns {ImageFolder[]} the 20 folders with the names of their files
 */
export function writeImages(out, table = TABLE) {
  const rows = readTable(table);
  return SPLITS.flatMap((split) =>
    Array.from({ length: 10 }, (_, digit) => {
      const folder = join(out, split, String(digit));
      mkdirSync(folder, { recursive: true });
      const files = rows
        .filter((row) => row.split === split && row.digit === digit)
        .map(({ line, values }) => {
          const file = `${String(line).padStart(4, '0')}.png`;
          const pixels = Uint8Array.from(values, (value) => Math.round((value * 255) / INK));
          writeFileSync(join(folder, file), encodePng({ width: SIDE, height: SIDE, pixels }));
          return file;
        });
      return { split, digit, folder, files };
    }),
  );
}

/**
 * @param {string} path
 * @returns {Row[]}
 */
export function readTable(path) {
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((text, index) => {
    const cells = text.split(',');
    const values = cells.slice(0, SIDE * SIDE).map(Number);
    const digit = Number(cells[SIDE * SIDE]);
    const split = SPLITS.find((name) => name === cells[SIDE * SIDE + 1]);
    const whole = (/** @type {number} */ value, /** @type {number} */ most) => Number.isInteger(value) && value >= 0 && value <= most;
    if (cells.length !== SIDE * SIDE + 2 || !values.every((value) => whole(value, INK)) || !whole(digit, 9) || !split) {
      throw new Error(`${path}: line ${index + 2} is not 64 values from 0 to 16, a digit and a split`);
    }
    return { line: index + 1, values, digit, split };
  });
}

// By the file's name and not by import.meta.url: bundled into another program, that would be the program's own.
if (basename(process.argv[1] ?? '') === 'write-images.mjs') {
  const [out, ...more] = process.argv.slice(2);
  if (out === undefined || out.startsWith('-') || more.length > 0) {
    console.error('usage: node write-images.mjs OUT');
    process.exitCode = 2;
  } else {
    const folders = writeImages(out);
    for (const { split, digit, files } of folders) console.log(`${split}/${digit}: ${files.length} images`);
    console.log(`${folders.reduce((sum, { files }) => sum + files.length, 0)} images written to ${out}`);
  }
}
