/**
 * Trains the network on the training images of the data set in /kqi/input and measures it on the testing images.
 * Writes /kqi/output/metrics.jsonl while it goes and /kqi/output/model.json at the end.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLASSES, DIVISOR, IMAGE, InputError, folders, readImages, run } from './input.mjs';
import { accuracy, createNetwork, createTrainer, seededRandom, shuffled } from './network.mjs';

const SIZES = [IMAGE.width * IMAGE.height, 48, CLASSES.length];
const MOMENTUM = 0.9;
const BATCH = 16;

run(() => {
  const epochs = option('EPOCHS', 30, (value) => Number.isInteger(value) && value >= 1 && value <= 10_000, '1 to 10000');
  const learningRate = option('LEARNING_RATE', 0.05, (value) => value > 0 && value <= 10, 'above 0, at most 10');
  const seed = option('SEED', 1, (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32, '0 to 4294967295');
  const { input, output } = folders(process.env);

  const training = readImages(input, 'training');
  const testing = readImages(input, 'testing');
  console.log(`${training.length} training images, ${testing.length} testing images`);
  console.log(`network ${SIZES.join('-')}, ${epochs} epochs, learning rate ${learningRate}, seed ${seed}`);

  mkdirSync(output, { recursive: true });
  const metrics = join(output, 'metrics.jsonl');
  writeFileSync(metrics, '');

  const random = seededRandom(seed);
  const network = createNetwork(SIZES, random);
  const trainer = createTrainer(network, { learningRate, momentum: MOMENTUM });
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = shuffled(training, random);
    let loss = 0;
    let hits = 0;
    for (let at = 0; at < order.length; at += BATCH, step++) {
      const result = trainer.step(order.slice(at, at + BATCH));
      loss += result.loss;
      hits += result.hits;
    }
    const line = {
      step,
      epoch,
      loss: rounded(loss / training.length),
      training_accuracy: rounded(hits / training.length),
      testing_accuracy: rounded(accuracy(network, testing)),
    };
    appendFileSync(metrics, `${JSON.stringify(line)}\n`);
    console.log(`epoch ${epoch}/${epochs} loss ${line.loss.toFixed(4)} accuracy ${line.training_accuracy.toFixed(4)}`);
  }

  const reached = accuracy(network, testing);
  writeFileSync(
    join(output, 'model.json'),
    JSON.stringify({
      classes: CLASSES,
      image: IMAGE,
      normalisation: { divide_by: DIVISOR },
      sizes: SIZES,
      layers: network.map(({ weights, biases }) => ({ weights: [...weights], biases: [...biases] })),
      trained: { epochs, learning_rate: learningRate, seed, images: training.length, testing_accuracy: rounded(reached) },
    }),
  );
  console.log(`accuracy on ${testing.length} testing images: ${reached.toFixed(4)}`);
});

/**
 * @param {string} name
 * @param {number} usual
 * @param {(value: number) => boolean} valid
 * @param {string} range
 */
function option(name, usual, valid, range) {
  const text = process.env[name]?.trim();
  if (!text) return usual;
  if (valid(Number(text))) return Number(text);
  throw new InputError(`${name} is ${JSON.stringify(text)}; it must be a number: ${range}`);
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 1e6) / 1e6;
}
