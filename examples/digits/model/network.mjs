/**
 * A small fully connected network: ReLU between the layers, softmax at the end, trained by stochastic gradient descent
 * with momentum. The same seed and the same images in the same order give the same network.
 *
 * @typedef {{ readonly inputs: number, readonly outputs: number, readonly weights: Float64Array, readonly biases: Float64Array }} Layer
 *   the weights row by row, one row of `inputs` numbers for each output
 * @typedef {readonly Layer[]} Network
 * @typedef {{ readonly input: Float64Array, readonly label: number }} Sample
 */

/**
 * Numbers from 0 to 1 that depend on the seed alone (mulberry32).
 * @param {number} seed
 * @returns {() => number}
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} random
 * @returns {T[]}
 */
export function shuffled(items, random) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/**
 * @param {readonly number[]} sizes of the input, the hidden layers and the output
 * @param {() => number} random
 * @returns {Network}
 */
export function createNetwork(sizes, random) {
  return sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index];
    const width = Math.sqrt(6 / inputs);
    const weights = Float64Array.from({ length: inputs * outputs }, () => (2 * random() - 1) * width);
    return { inputs, outputs, weights, biases: new Float64Array(outputs) };
  });
}

/**
 * The values of every layer, the input first, the probabilities of the classes last.
 * @param {Network} network
 * @param {Float64Array} input
 * @returns {Float64Array[]}
 */
function forward(network, input) {
  const values = [input];
  network.forEach(({ inputs, outputs, weights, biases }, index) => {
    const from = values[index];
    const to = new Float64Array(outputs);
    for (let o = 0, w = 0; o < outputs; o++) {
      let sum = biases[o];
      for (let i = 0; i < inputs; i++, w++) sum += weights[w] * from[i];
      to[o] = sum;
    }
    if (index === network.length - 1) softmax(to);
    else for (let o = 0; o < outputs; o++) if (to[o] < 0) to[o] = 0;
    values.push(to);
  });
  return values;
}

/** @param {Float64Array} values */
function softmax(values) {
  // Without taking the highest off, exp() of a value above 709 would be infinite.
  const highest = Math.max(...values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] = Math.exp(values[i] - highest);
  for (let i = 0; i < values.length; i++) values[i] /= sum;
}

/** @param {Float64Array} values */
function indexOfHighest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/**
 * @param {Network} network
 * @param {Float64Array} input
 */
export function classify(network, input) {
  const probabilities = /** @type {Float64Array} */ (forward(network, input).at(-1));
  const label = indexOfHighest(probabilities);
  return { label, confidence: probabilities[label] };
}

/**
 * The share of samples that the network classifies rightly.
 * @param {Network} network
 * @param {readonly Sample[]} samples
 */
export function accuracy(network, samples) {
  return samples.filter(({ input, label }) => classify(network, input).label === label).length / samples.length;
}

/**
 * Steps of gradient descent that change the network given.
 * @param {Network} network
 * @param {{ readonly learningRate: number, readonly momentum: number }} options
 */
export function createTrainer(network, { learningRate, momentum }) {
  const zeros = () =>
    network.map(({ weights, biases }) => ({
      weights: new Float64Array(weights.length),
      biases: new Float64Array(biases.length),
    }));
  const gradients = zeros();
  const velocities = zeros();

  /** @param {Sample} sample */
  function addGradients({ input, label }) {
    const values = forward(network, input);
    const probabilities = values[network.length];
    const hit = indexOfHighest(probabilities) === label;
    // A probability of exactly 0 would make the loss infinite.
    const loss = -Math.log(Math.max(probabilities[label], 1e-12));
    let delta = Float64Array.from(probabilities);
    delta[label] -= 1;
    for (let index = network.length - 1; index >= 0; index--) {
      const { inputs, outputs, weights } = network[index];
      const gradient = gradients[index];
      const from = values[index];
      const back = new Float64Array(inputs);
      for (let o = 0, w = 0; o < outputs; o++) {
        gradient.biases[o] += delta[o];
        for (let i = 0; i < inputs; i++, w++) {
          gradient.weights[w] += delta[o] * from[i];
          back[i] += delta[o] * weights[w];
        }
      }
      for (let i = 0; i < inputs; i++) if (from[i] <= 0) back[i] = 0;
      delta = back;
    }
    return { loss, hit };
  }

  /**
   * @param {Float64Array} target
   * @param {Float64Array} velocity
   * @param {Float64Array} gradient
   * @param {number} count
   */
  function apply(target, velocity, gradient, count) {
    for (let i = 0; i < target.length; i++) {
      velocity[i] = momentum * velocity[i] - (learningRate * gradient[i]) / count;
      target[i] += velocity[i];
      gradient[i] = 0;
    }
  }

  return {
    /**
     * One step on a batch of samples; the loss (sum) and the hits are those from before the step.
     * @param {readonly Sample[]} batch
     */
    step(batch) {
      let loss = 0;
      let hits = 0;
      for (const sample of batch) {
        const result = addGradients(sample);
        loss += result.loss;
        hits += Number(result.hit);
      }
      network.forEach(({ weights, biases }, index) => {
        apply(weights, velocities[index].weights, gradients[index].weights, batch.length);
        apply(biases, velocities[index].biases, gradients[index].biases, batch.length);
      });
      return { loss, hits };
    },
  };
}
