/**
 * Weights as the page holds them, and the few products that all networks are made of.
 *
 * Arrays are row-major, as PyTorch's: an image is (channels, height, width), a weight
 * (outputs, inputs).
 */

/**
 * @typedef {{shape: number[], data: string}} Packed half-precision numbers in base64
 * @typedef {Record<string, Packed>} PackedWeights
 * @typedef {{channels: number, height: number, width: number, values: Float32Array}} Maps
 */

/** @type {Float32Array | null} */
let table = null;

/** All 65,536 half-precision numbers (IEEE 754 binary16): 1 sign, 5 exponent and 10 fraction bits. */
function halfTable() {
  if (table) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = (bits & 0x3ff) / 1024;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -14;
    else if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else table[bits] = sign * (1 + fraction) * 2 ** (exponent - 15);
  }
  return table;
}

/** @param {string} base64 */
export const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * Base64 of little-endian half-precision numbers.
 * @param {string} base64
 */
export function fromHalf(base64) {
  const bytes = atob(base64);
  const halves = halfTable();
  const values = new Float32Array(bytes.length / 2);
  for (let k = 0; k < values.length; k++) {
    values[k] = halves[bytes.charCodeAt(2 * k) | (bytes.charCodeAt(2 * k + 1) << 8)];
  }
  return values;
}

/**
 * Base64 of little-endian 16-bit integers, in units of scale / 32767.
 * @param {string} base64
 * @param {number} scale the largest magnitude
 */
export function fromShorts(base64, scale) {
  const bytes = atob(base64);
  const values = new Float32Array(bytes.length / 2);
  for (let k = 0; k < values.length; k++) {
    const bits = bytes.charCodeAt(2 * k) | (bytes.charCodeAt(2 * k + 1) << 8);
    values[k] = (((bits << 16) >> 16) * scale) / 32767;
  }
  return values;
}

/**
 * y[o, p] = bias[o] + sum over k of weight[o, k] x[p, k], four outputs at a time, so that each x is
 * read once for four of them.
 * @param {Float32Array} weight (outputs, inputs)
 * @param {Float32Array} bias (outputs)
 * @param {Float32Array} x (points, inputs)
 * @param {number} [points]
 * @returns {Float32Array} (outputs, points)
 */
export function product(weight, bias, x, points = 1) {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const y = new Float32Array(outputs * points);
  let o = 0;
  for (; o + 4 <= outputs; o += 4) {
    const row = o * inputs;
    for (let p = 0; p < points; p++) {
      const start = p * inputs;
      let a = bias[o];
      let b = bias[o + 1];
      let c = bias[o + 2];
      let d = bias[o + 3];
      for (let k = 0; k < inputs; k++) {
        const value = x[start + k];
        a += weight[row + k] * value;
        b += weight[row + inputs + k] * value;
        c += weight[row + 2 * inputs + k] * value;
        d += weight[row + 3 * inputs + k] * value;
      }
      y[o * points + p] = a;
      y[(o + 1) * points + p] = b;
      y[(o + 2) * points + p] = c;
      y[(o + 3) * points + p] = d;
    }
  }
  for (; o < outputs; o++) {
    for (let p = 0; p < points; p++) {
      let sum = bias[o];
      for (let k = 0; k < inputs; k++) sum += weight[o * inputs + k] * x[p * inputs + k];
      y[o * points + p] = sum;
    }
  }
  return y;
}

/**
 * y[o, p] = sum over k of weight[o, k] x[p, k] for many points: two outputs of four points at a time,
 * in double precision, which JavaScript computes in without converting. Half the time of `product`.
 * @param {Float64Array} weight (outputs, inputs)
 * @param {Float64Array} x (points, inputs)
 * @param {number} points
 * @returns {Float64Array} (outputs, points)
 */
export function products(weight, x, points) {
  const inputs = x.length / points;
  const outputs = weight.length / inputs;
  const y = new Float64Array(outputs * points);
  for (let o = 0; o < outputs; o += 2) {
    const row = o * inputs;
    const other = o + 1 < outputs ? row + inputs : row; // an odd last one is computed twice
    for (let p = 0; p < points; p += 4) {
      const [first, second, third, fourth] = [0, 1, 2, 3].map((k) => Math.min(p + k, points - 1) * inputs);
      let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = 0; k < inputs; k++) {
        const above = weight[row + k];
        const below = weight[other + k];
        let value = x[first + k];
        a += above * value;
        e += below * value;
        value = x[second + k];
        b += above * value;
        f += below * value;
        value = x[third + k];
        c += above * value;
        g += below * value;
        value = x[fourth + k];
        d += above * value;
        h += below * value;
      }
      const upper = [a, b, c, d];
      const lower = [e, f, g, h];
      for (let k = 0; k < 4 && p + k < points; k++) {
        y[o * points + p + k] = upper[k];
        if (other > row) y[(o + 1) * points + p + k] = lower[k];
      }
    }
  }
  return y;
}

/** @param {number} x */
export function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/**
 * Half the time of Math.tanh, and as exact to 1e-16.
 * @param {number} x
 */
export const tanh = (x) => 1 - 2 / (1 + Math.exp(2 * x));

/**
 * The probabilities (8) of logits; the largest is subtracted first, so that nothing overflows.
 * @param {ArrayLike<number>} logits
 */
export function softmax(logits) {
  const largest = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** @param {ArrayLike<number>} values */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/**
 * Random numbers from a seed, uniform in [0, 1): the same on every machine.
 * George Marsaglia, "Xorshift RNGs" (2003), its generator of 32 bits.
 * @param {number} seed
 * @returns {() => number}
 */
export function uniformFrom(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let k = 0; k < 16; k++) next(); // neighbouring seeds begin alike
  return next;
}

/**
 * Standard normal numbers by the method of Box and Muller (1958).
 * @param {() => number} uniform
 */
export function normalFrom(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
