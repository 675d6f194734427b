/**
 * What the platform puts before a job, read and checked: the folders, the data set's description, the labelled images.
 * Everything wrong with it becomes an InputError whose text says what to do.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodePng } from './png.mjs';

/**
 * @typedef {'training' | 'testing'} Part
 * @typedef {{ readonly id: string, readonly name: string, readonly tags: readonly string[] }} Data
 * @typedef {{ readonly dataId: string, readonly file: string, readonly label: number, readonly input: Float64Array }} LabelledImage
 */

export const CLASSES = Object.freeze(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
export const IMAGE = Object.freeze({ width: 8, height: 8 });
/** Pixels are divided by this, so that the network sees numbers from 0 to 1. */
export const DIVISOR = 255;

export class InputError extends Error {}

/**
 * Where jobs cannot be given folders at /kqi, the platform puts them below SODATE_ROOT. KQI_ROOT is for running it by hand.
 * @param {NodeJS.ProcessEnv} env
 */
export function folders(env) {
  const root = env.KQI_ROOT || join(env.SODATE_ROOT || '/', 'kqi');
  return { input: join(root, 'input'), parent: join(root, 'parent'), output: join(root, 'output') };
}

/**
 * Runs a program's main function; an InputError ends it with its text alone and exit code 1.
 * @param {() => void} main
 */
export function run(main) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}

/**
 * The images of one part of the data set, ordered by label and file name, so that the ids which the platform happened to
 * give do not change what a seed leads to.
 * @param {string} inputFolder
 * @param {Part} part
 * @returns {LabelledImage[]}
 */
export function readImages(inputFolder, part) {
  const images = readMeta(inputFolder, part).flatMap((data) => {
    const label = labelOf(data);
    const folder = join(inputFolder, part, data.id);
    return imageFiles(folder).map((file) => ({ dataId: data.id, file, label, input: readImage(join(folder, file)) }));
  });
  return images.sort((a, b) => a.label - b.label || compare(a.file, b.file) || compare(a.dataId, b.dataId));
}

/**
 * @param {string} inputFolder
 * @param {Part} part
 * @returns {Data[]}
 */
function readMeta(inputFolder, part) {
  const path = join(inputFolder, 'meta.json');
  const meta = readJson(path, 'Start this run with a data set, or set KQI_ROOT to the folder that has input/meta.json.');
  const entries = meta?.entries?.[part];
  if (meta?.isFlat === true) {
    throw new InputError(`the data set is flat: use one whose data are sorted into training and testing`);
  }
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new InputError(`the data set has no ${part} data: add some to its type "${part}" and start again (${path})`);
  }
  return entries.map((entry) => ({
    id: String(entry.id),
    name: String(entry.name ?? ''),
    tags: Array.isArray(entry.tags) ? entry.tags.map(String) : [],
  }));
}

/**
 * @param {string} path
 * @param {string} advice
 * @returns {any}
 */
export function readJson(path, advice) {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(`cannot read ${path} (${codeOf(error)}). ${advice}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(`${path} is not JSON. ${advice}`);
  }
}

/**
 * @param {Data} data
 * @returns {number}
 */
function labelOf({ id, name, tags }) {
  const found = [...tags.map((tag) => /^digit-([0-9])$/.exec(tag)), /^digit ([0-9])(?![0-9])/.exec(name)].find(Boolean);
  if (found) return Number(found[1]);
  throw new InputError(`data ${id} ${JSON.stringify(name)} does not say which digit its images show: give it a tag from digit-0 to digit-9`);
}

/** @param {string} folder */
function imageFiles(folder) {
  let names;
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new InputError(`cannot read the folder ${folder} (${codeOf(error)}), which meta.json names`);
  }
  const images = names.filter((name) => /\.png$/i.test(name));
  if (images.length === 0) throw new InputError(`no PNG file in ${folder}: take this data out of the data set`);
  return images;
}

/** @param {string} path */
function readImage(path) {
  let image;
  try {
    image = decodePng(readFileSync(path));
  } catch (error) {
    throw new InputError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
  if (image.width !== IMAGE.width || image.height !== IMAGE.height) {
    throw new InputError(
      `${path} has ${image.width}×${image.height} pixels, but this model reads ${IMAGE.width}×${IMAGE.height}: ` +
        'scale the images, or change IMAGE in input.mjs and train again',
    );
  }
  return Float64Array.from(image.pixels, (pixel) => pixel / DIVISOR);
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
