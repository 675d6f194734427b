import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePng, encodePng } from './model/png.mjs';
import { seededRandom } from './model/network.mjs';
import { writeImages } from './write-images.mjs';

const MODEL = fileURLToPath(new URL('./model/', import.meta.url));

let place: string;
let images: ReturnType<typeof writeImages>;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'digits-test-'));
  images = writeImages(join(place, 'images'));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A PNG file made without the encoder under test, so that every part of it can be wrong. */
function pngFile(header: readonly number[], rows: Uint8Array, extra: readonly [string, Buffer][] = []): Buffer {
  const chunk = (type: string, content: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
    const bytes = Buffer.alloc(8 + body.length);
    bytes.writeUInt32BE(content.length, 0);
    body.copy(bytes, 4);
    bytes.writeUInt32BE(crc32(body), 4 + body.length);
    return bytes;
  };
  const [width = 0, height = 0, ...rest] = header;
  const ihdr = Buffer.alloc(8);
  ihdr.writeUInt32BE(width, 0);
  ihdr.writeUInt32BE(height, 4);
  const packed = deflateSync(rows);
  const half = packed.length >> 1;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Buffer.concat([ihdr, Buffer.from(rest)])),
    ...extra.map(([type, content]) => chunk(type, content)),
    // In two parts: the format lets the pixels be cut anywhere.
    chunk('IDAT', packed.subarray(0, half)),
    chunk('IDAT', packed.subarray(half)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The rows of an image as the format's five filters store them, written from the specification's formulas. */
function filtered(pixels: Uint8Array, width: number, height: number, filterOf: (y: number) => number): Uint8Array {
  const at = (x: number, y: number): number => (x < 0 || y < 0 ? 0 : (pixels[y * width + x] ?? 0));
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    const filter = filterOf(y);
    rows.push(filter);
    for (let x = 0; x < width; x++) {
      const [a, b, c] = [at(x - 1, y), at(x, y - 1), at(x - 1, y - 1)];
      const nearest = [a, b, c].toSorted((p, q) => Math.abs(a + b - c - p) - Math.abs(a + b - c - q))[0] ?? 0;
      const predicted = [0, a, b, Math.floor((a + b) / 2), nearest][filter] ?? 0;
      rows.push((at(x, y) - predicted + 256) % 256);
    }
  }
  return Uint8Array.from(rows);
}

describe('PNG', () => {
  const width = 23;
  const height = 19;
  // Few different values on both sides of 0 modulo 256: the filters pass over it, and filter 4 meets all of its ties.
  const random = seededRandom(1);
  const pixels = Uint8Array.from({ length: width * height }, () => 250 + Math.floor(random() * 12));
  const plain = filtered(pixels, width, height, () => 0);
  const grey8 = [width, height, 8, 0, 0, 0, 0];

  test('what is encoded is decoded', () => {
    expect(decodePng(encodePng({ width, height, pixels }))).toEqual({ width, height, pixels });
    expect(() => encodePng({ width: 2, height: 2, pixels })).toThrow('an image of 2×2 needs 4 pixels');
  });

  test.each([0, 1, 2, 3, 4])('filter %i is decoded', (filter) => {
    const rows = filtered(pixels, width, height, () => filter);
    expect(decodePng(pngFile(grey8, rows)).pixels).toEqual(pixels);
  });

  test('rows with different filters and parts that say nothing about pixels are decoded', () => {
    const rows = filtered(pixels, width, height, (y) => y % 5);
    expect(decodePng(pngFile(grey8, rows, [['tEXt', Buffer.from('Title\0digit')]])).pixels).toEqual(pixels);
  });

  test('a file with any one byte changed is refused', () => {
    const file = encodePng({ width, height, pixels });
    for (let i = 0; i < file.length; i++) {
      const changed = Buffer.from(file);
      changed[i] = (changed[i] ?? 0) ^ 0x11;
      expect(() => decodePng(changed), `byte ${i}`).toThrow(/^(not a|damaged) PNG file/);
    }
  });

  test('a file cut off anywhere is refused', () => {
    const file = encodePng({ width, height, pixels });
    for (let end = 0; end < file.length; end++) {
      expect(() => decodePng(file.subarray(0, end)), `length ${end}`).toThrow(/^(not a|damaged) PNG file/);
    }
  });

  test.each([
    ['colour', pngFile([width, height, 8, 2, 0, 0, 0], plain), 'colour (RGB); only plain greyscale'],
    ['16 bits', pngFile([width, height, 16, 0, 0, 0, 0], plain), '16 bits a pixel; only 8'],
    ['interlacing', pngFile([width, height, 8, 0, 0, 0, 1], plain), 'interlaced'],
    ['no pixels', pngFile([0, height, 8, 0, 0, 0, 0], plain), 'no pixels'],
    ['a huge size', pngFile([0x7fffffff, 0x7fffffff, 8, 0, 0, 0, 0], plain), 'at most 16777216 pixels'],
    ['too few pixels', pngFile([width, height + 1, 8, 0, 0, 0, 0], plain), 'fewer pixels than its header says'],
    ['too many pixels', pngFile([width, height - 1, 8, 0, 0, 0, 0], plain), 'cannot be unpacked'],
    [
      'an unknown filter',
      pngFile(
        grey8,
        filtered(pixels, width, height, () => 5),
      ),
      'unknown filter 5',
    ],
    ['an unknown necessary part', pngFile(grey8, plain, [['ABCD', Buffer.alloc(3)]]), '"ABCD" part'],
  ])('%s is refused with the reason', (_, file, reason) => {
    expect(() => decodePng(file)).toThrow(reason);
  });
});

test('all 1,797 images are written, each digit divided 80 to 20', () => {
  expect(images).toHaveLength(20);
  const counts = (split: string): number[] => images.filter((one) => one.split === split).map((one) => one.files.length);
  expect(counts('training')).toEqual([143, 146, 142, 147, 145, 146, 145, 144, 140, 144]);
  expect(counts('testing')).toEqual([35, 36, 35, 36, 36, 36, 36, 35, 34, 36]);
  const files = images.flatMap(({ folder }) => readdirSync(folder));
  expect(files).toHaveLength(1797);
  expect(new Set(files).size).toBe(1797);

  // The table's first line is a zero whose first row is 0,0,5,13,9,1,0,0 of 16.
  const first = decodePng(readFileSync(join(place, 'images/training/0/0001.png')));
  expect([first.width, first.height]).toEqual([8, 8]);
  expect([...first.pixels.subarray(0, 8)]).toEqual([0, 0, 80, 207, 143, 16, 0, 0]);
});

type Entry = { id: number; name: string; tags: string[] };

/** A folder as the platform lays it before a job, with its own copies of the images of the given digits. */
function kqiRoot(name: string, digits: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]): string {
  const root = join(place, name);
  const entries: Record<string, Entry[]> = { training: [], testing: [], validation: [] };
  images.forEach(({ split, digit, folder, files }, index) => {
    if (!digits.includes(digit)) return;
    // Ids run against the digits, and every second data says its digit by its name alone.
    const id = 100 - index;
    mkdirSync(join(root, 'input', split, String(id)), { recursive: true });
    for (const file of files) copyFileSync(join(folder, file), join(root, 'input', split, String(id), file));
    entries[split]?.push({ id, name: `digit ${digit} (${split})`, tags: index % 2 ? [`digit-${digit}`, split] : [] });
  });
  writeMeta(root, entries);
  return root;
}

function writeMeta(root: string, entries: unknown, isFlat = false): void {
  mkdirSync(join(root, 'input'), { recursive: true });
  writeFileSync(join(root, 'input/meta.json'), JSON.stringify({ id: 1, name: 'digits', isFlat, entries }));
}

function runNode(script: string, root: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(MODEL, script)], {
    cwd: MODEL,
    env: { PATH: process.env['PATH'], KQI_ROOT: root, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('training and inference', () => {
  test('the model is trained, then classifies the testing images', () => {
    const root = kqiRoot('whole');
    const training = runNode('train.mjs', root);
    expect(training.stderr).toBe('');
    expect(training.status).toBe(0);
    const progress = training.stdout.split('\n').filter((line) => /^epoch \d+\/30 loss \d+\.\d{4} accuracy [01]\.\d{4}$/.test(line));
    expect(progress).toHaveLength(30);
    const metrics = readFileSync(join(root, 'output/metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(metrics.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(metrics.at(-1).step).toBe(30 * Math.ceil(1442 / 16));
    expect(metrics.at(-1).loss).toBeLessThan(metrics[0].loss);

    renameSync(join(root, 'output'), join(root, 'parent'));
    const inference = runNode('infer.mjs', root);
    expect(inference.stderr).toBe('');
    expect(inference.status).toBe(0);
    const value = readFileSync(join(root, 'output/value.txt'), 'utf8');
    expect(value).toMatch(/^[01]\.\d{4}$/);
    expect(Number(value)).toBeGreaterThanOrEqual(0.95);
    expect(training.stdout).toContain(`accuracy on 355 testing images: ${value}`);
    expect(Number(value)).toBeCloseTo(metrics.at(-1).testing_accuracy, 4);
    expect(inference.stdout).toMatch(new RegExp(`all +355 +\\d+ +${value}`));

    const predictions = readFileSync(join(root, 'output/predictions.csv'), 'utf8').trimEnd().split('\n').slice(1);
    const right = predictions.map((line) => line.split(',')).filter(([, , label, predicted]) => label === predicted);
    expect(predictions).toHaveLength(355);
    expect((right.length / 355).toFixed(4)).toBe(value);
    const confusion = readFileSync(join(root, 'output/confusion.csv'), 'utf8').trimEnd().split('\n').slice(1);
    const diagonal = confusion.reduce((sum, row, digit) => sum + Number(row.split(',')[digit + 1]), 0);
    expect(diagonal).toBe(right.length);
  });

  test('a seed gives the same model again, another seed another', () => {
    const root = kqiRoot('seeds', [0, 1, 2]);
    const model = (env: Record<string, string>): string => {
      expect(runNode('train.mjs', root, { EPOCHS: '2', ...env }).status).toBe(0);
      return readFileSync(join(root, 'output/model.json'), 'utf8');
    };
    const first = model({ SEED: '7' });
    expect(model({ SEED: '7' })).toBe(first);
    expect(JSON.parse(model({ SEED: '8' })).layers).not.toEqual(JSON.parse(first).layers);
  });
});

describe('what is missing or wrong is said, with exit code 1', () => {
  const fails = (script: string, root: string, reason: string, env: Record<string, string> = {}): void => {
    const { status, stderr } = runNode(script, root, env);
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).toContain(reason);
    expect(status).toBe(1);
  };

  test('no data set', () => {
    fails('train.mjs', join(place, 'nothing'), 'meta.json (ENOENT). Start this run with a data set');
  });

  test('a data set without training data, without testing data, flat', () => {
    const root = join(place, 'empty');
    writeMeta(root, { training: [], testing: [] });
    fails('train.mjs', root, 'no training data: add some to its type "training"');
    const half = kqiRoot('half', [4]);
    const { entries } = JSON.parse(readFileSync(join(half, 'input/meta.json'), 'utf8'));
    writeMeta(half, { ...entries, testing: [] });
    fails('train.mjs', half, 'no testing data: add some to its type "testing"');
    writeMeta(root, undefined, true);
    fails('train.mjs', root, 'the data set is flat');
  });

  test('no model in the parent, a damaged one', () => {
    const root = kqiRoot('no-model', [5]);
    fails('infer.mjs', root, 'one finished training of this model as its parent');
    mkdirSync(join(root, 'parent'));
    writeFileSync(join(root, 'parent/model.json'), '{"sizes":[64');
    fails('infer.mjs', root, 'is not JSON');
    writeFileSync(join(root, 'parent/model.json'), '{"sizes":[64,48,10]}');
    fails('infer.mjs', root, 'was not written by this version of train.mjs');
  });

  test('a data that names no digit, one without files, an image of another size, a damaged image', () => {
    const root = join(place, 'one');
    const folder = join(root, 'input/training/1');
    writeMeta(root, { training: [{ id: 1, name: 'cats', tags: ['training'] }], testing: [] });
    fails('train.mjs', root, 'data 1 "cats" does not say which digit');
    writeMeta(root, { training: [{ id: 1, name: 'digit 1', tags: [] }], testing: [] });
    fails('train.mjs', root, 'which meta.json names');
    mkdirSync(folder, { recursive: true });
    fails('train.mjs', root, 'no PNG file in');
    writeFileSync(join(folder, 'a.png'), encodePng({ width: 28, height: 28, pixels: new Uint8Array(784) }));
    fails('train.mjs', root, 'a.png has 28×28 pixels, but this model reads 8×8');
    writeFileSync(join(folder, 'a.png'), 'hello');
    fails('train.mjs', root, 'a.png: not a PNG file');
  });

  test('an option that is not a number, a part of the data set that was not staged', () => {
    const root = kqiRoot('options', [6, 7]);
    fails('train.mjs', root, 'EPOCHS is "many"; it must be a number: 1 to 10000', { EPOCHS: 'many' });
    fails('train.mjs', root, 'SEED is "-1"', { SEED: '-1' });
    fails('train.mjs', root, 'LEARNING_RATE is "0"', { LEARNING_RATE: '0' });
    rmSync(join(root, 'input/testing'), { recursive: true });
    fails('train.mjs', root, 'which meta.json names');
  });
});
