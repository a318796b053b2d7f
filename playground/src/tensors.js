/**
 * Weights as the page holds them, and the product of matrices that all networks are made of.
 *
 * Arrays are row-major, as PyTorch's: an image is (channels, height, width), a weight
 * (outputs, inputs).
 */

/**
 * @typedef {{shape: number[], data: string}} Packed half-precision numbers in base64
 * @typedef {Record<string, Packed>} PackedWeights
 * @typedef {{channels: number, height: number, width: number, values: Float32Array}} Maps
 */

/** @param {string} base64 */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

/**
 * Base64 of little-endian half-precision numbers (IEEE 754 binary16): 1 sign, 5 exponent and 10 fraction
 * bits. Single precision has 8 and 23, and an exponent that is larger by 112; only that of infinity and
 * NaN has all bits set in both.
 * @param {string} base64
 */
export function fromHalf(base64) {
  const bits = new Uint32Array(new Uint16Array(bytesOf(base64).buffer)).map((half) =>
    ((half & 0x8000) << 16) | ((half & 0x7c00) === 0x7c00 ? 0x7f800000 : 0) | ((half & 0x7fff) << 13));
  return new Float32Array(bits.buffer).map((value) => value * 2 ** 112);
}

/**
 * Base64 of little-endian 16-bit integers, in units of scale / 32767.
 * @param {string} base64
 * @param {number} scale the largest magnitude
 */
export const fromShorts = (base64, scale) =>
  new Float32Array(new Int16Array(bytesOf(base64).buffer)).map((value) => (value * scale) / 32767);

/**
 * `product` in WebAssembly (product.wat), where the browser runs it, and its memory: first the matrices
 * that stay there, up to `kept`, and behind them those of one call.
 * @type {{memory: WebAssembly.Memory, product: (...numbers: number[]) => void} | null}
 */
let kernel = null;
let kept = 0;
/** The addresses of the matrices that stay there. @type {WeakMap<Float32Array, number>} */
const places = new WeakMap();
const LINE = 64; // bytes: each address is a multiple of it, and behind each matrix as many are free
const PAGE = 65536; // bytes by which the memory grows

/**
 * To be called before a network is opened.
 * @param {BufferSource} bytes product.wat, assembled
 */
export function speedUp(bytes) {
  try {
    kernel = /** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports);
  } catch {
    // A browser without WebAssembly, or without its SIMD: `product` gives the same numbers, more slowly.
  }
}

/**
 * Make room for numbers in the kernel's memory.
 * @param {WebAssembly.Memory} memory
 * @param {number} at
 * @param {number} length
 * @returns {number} the address behind them
 */
function room(memory, at, length) {
  const end = LINE * Math.ceil((at + 4 * length + LINE) / LINE);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return end;
}

/**
 * Write numbers into the kernel's memory.
 * @param {WebAssembly.Memory} memory
 * @param {number} at
 * @param {Float32Array} values
 * @returns {number} the address behind them
 */
function put(memory, at, values) {
  const end = room(memory, at, values.length);
  new Float32Array(memory.buffer, at, values.length).set(values);
  return end;
}

/**
 * A matrix by which many others are multiplied, and that never changes: it is written into the
 * kernel's memory once.
 * @param {Float32Array} matrix
 */
export function keep(matrix) {
  if (kernel) {
    places.set(matrix, kept);
    kept = put(kernel.memory, kept, matrix);
  }
  return matrix;
}

/**
 * The product of two matrices: c[row, column] = sum over k of a[row, k] b[k, column], in single
 * precision, from k = 0 on.
 * @param {Float32Array} a (rows, inner)
 * @param {Float32Array} b (inner, columns)
 * @param {number} rows
 * @returns {Float32Array} (rows, columns)
 */
export function product(a, b, rows) {
  const inner = a.length / rows;
  const columns = b.length / inner;
  if (!kernel) return slowProduct(a, b, rows, inner, columns);
  const { memory } = kernel;
  const behind = put(memory, kept, a);
  const place = places.get(b);
  const to = place === undefined ? put(memory, behind, b) : behind;
  room(memory, to, rows * columns);
  kernel.product(kept, place ?? behind, to, rows, inner, columns);
  return new Float32Array(memory.buffer, to, rows * columns).slice();
}

/**
 * What product.wat does, to the last bit, four columns at a time.
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} rows
 * @param {number} inner
 * @param {number} columns
 */
function slowProduct(a, b, rows, inner, columns) {
  const { fround } = Math; // rounds to single precision
  const c = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column += 4) {
    const [next1, next2, next3] = [1, 2, 3].map((k) => Math.min(k, columns - 1 - column)); // the last one again
    for (let row = 0; row < rows; row++) {
      let sum0 = fround(0);
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      for (let k = 0, from = row * inner, at = column; k < inner; k++, from++, at += columns) {
        const factor = a[from];
        sum0 = fround(sum0 + fround(factor * b[at]));
        sum1 = fround(sum1 + fround(factor * b[at + next1]));
        sum2 = fround(sum2 + fround(factor * b[at + next2]));
        sum3 = fround(sum3 + fround(factor * b[at + next3]));
      }
      const to = row * columns + column;
      c[to] = sum0;
      c[to + next1] = sum1;
      c[to + next2] = sum2;
      c[to + next3] = sum3;
    }
  }
  return c;
}

/**
 * @param {Float32Array} matrix (rows, columns)
 * @param {number} rows
 * @param {number} columns
 * @returns {Float32Array} (columns, rows)
 */
export function transposed(matrix, rows, columns) {
  const turned = new Float32Array(matrix.length);
  for (let row = 0, at = 0; row < rows; row++) for (let column = 0; column < columns; column++, at++) turned[column * rows + row] = matrix[at];
  return turned;
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
