/**
 * Classifies the testing images of the data set in /kqi/input with the model of the parent training, /kqi/parent/model.json.
 * Writes predictions.csv, confusion.csv and value.txt (the accuracy, which the platform shows) to /kqi/output.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLASSES, DIVISOR, IMAGE, InputError, folders, readImages, readJson, run } from './input.mjs';
import { classify } from './network.mjs';

run(() => {
  const { input, parent, output } = folders(process.env);
  const network = readModel(join(parent, 'model.json'));
  const results = readImages(input, 'testing').map((image) => ({ ...image, predicted: classify(network, image.input) }));

  const confusion = CLASSES.map(() => CLASSES.map(() => 0));
  for (const { label, predicted } of results) confusion[label][predicted.label] += 1;
  const hits = confusion.reduce((sum, row, label) => sum + row[label], 0);
  const accuracy = (hits / results.length).toFixed(4);

  mkdirSync(output, { recursive: true });
  writeCsv(join(output, 'predictions.csv'), [
    ['data', 'file', 'label', 'predicted', 'confidence'],
    ...results.map(({ dataId, file, label, predicted }) => [dataId, file, CLASSES[label], CLASSES[predicted.label], predicted.confidence.toFixed(4)]),
  ]);
  writeCsv(join(output, 'confusion.csv'), [['label', ...CLASSES], ...confusion.map((row, label) => [CLASSES[label], ...row.map(String)])]);
  writeFileSync(join(output, 'value.txt'), accuracy);

  console.log('digit  images  right  accuracy');
  confusion.forEach((row, label) => {
    const images = row.reduce((sum, count) => sum + count, 0);
    const share = images === 0 ? '-' : (row[label] / images).toFixed(4);
    console.log(`${CLASSES[label].padStart(5)}  ${pad(images, 6)}  ${pad(row[label], 5)}  ${share.padStart(8)}`);
  });
  console.log(`  all  ${pad(results.length, 6)}  ${pad(hits, 5)}  ${accuracy.padStart(8)}`);
});

/**
 * @param {string} path
 * @returns {import('./network.mjs').Network}
 */
function readModel(path) {
  const advice = 'Start this run with one finished training of this model as its parent.';
  const model = readJson(path, advice);
  const sizes = model?.sizes;
  const fits =
    Array.isArray(sizes) &&
    sizes.every((size) => Number.isInteger(size) && size > 0) &&
    sizes[0] === IMAGE.width * IMAGE.height &&
    sizes.at(-1) === CLASSES.length &&
    model.normalisation?.divide_by === DIVISOR &&
    String(model.classes) === String(CLASSES) &&
    Array.isArray(model.layers) &&
    model.layers.length === sizes.length - 1 &&
    sizes.length > 1;
  if (!fits) throw new InputError(`${path} was not written by this version of train.mjs. ${advice}`);
  return sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index];
    const weights = numbers(model.layers[index]?.weights, inputs * outputs);
    const biases = numbers(model.layers[index]?.biases, outputs);
    if (!weights || !biases) throw new InputError(`${path}: the numbers of layer ${index + 1} are damaged. ${advice}`);
    return { inputs, outputs, weights, biases };
  });
}

/**
 * @param {unknown} values
 * @param {number} count
 */
function numbers(values, count) {
  return Array.isArray(values) && values.length === count && values.every(Number.isFinite) ? Float64Array.from(values) : undefined;
}

/**
 * @param {string} path
 * @param {readonly (readonly string[])[]} rows
 */
function writeCsv(path, rows) {
  const quoted = (/** @type {string} */ cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  writeFileSync(path, rows.map((row) => `${row.map(quoted).join(',')}\n`).join(''));
}

/**
 * @param {number} value
 * @param {number} width
 */
function pad(value, width) {
  return String(value).padStart(width);
}
