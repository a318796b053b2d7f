/**
 * Networks that draw or read images, as lists of layers: the generators, the discriminators and the
 * classifier. Images go from 0 (background) to 1 (ink).
 *
 * A layer is an operation of torch, with the places of its inputs in the list; the first is the input
 * of the network, the last its output (toolkit/train/playground/layers.py). A batch norm is a
 * multiplication and an addition for each channel once a network is trained.
 */

import { fromHalf, product, sigmoid, transposed } from "./tensors.js";

/** @typedef {import("./tensors.js").Maps} Maps */

/**
 * @typedef {{op: string, of: number[], shape: number[], [setting: string]: any}} Described
 * @typedef {Described & {weight: Float32Array, bias: Float32Array, turned?: Float32Array}} Layer
 *   `turned` has rows for the outputs of a transposed convolution, made when it is first used
 */

/**
 * @typedef {{
 *   forward: (layer: Layer, inputs: Float32Array[], shape: number[]) => Float32Array,
 *   back: (layer: Layer, dy: Float32Array, y: Float32Array, x: Float32Array, shape: number[]) => Float32Array[],
 * }} Operation `shape` is that of the first input; `back` leads from the gradient of the output y to
 *   those of the inputs
 */

/**
 * A function of each number.
 * @param {(layer: Layer) => (x: number) => number} of
 * @param {(layer: Layer) => (y: number, x: number) => number} slope
 * @returns {Operation}
 */
const each = (of, slope) => ({
  forward: (layer, [x]) => x.map(of(layer)),
  back(layer, dy, y, x) {
    const at = slope(layer);
    return [dy.map((d, k) => d * at(y[k], x[k]))];
  },
});

/**
 * A new place for each number, or a few of them for each new one.
 * @param {(layer: Layer, shape: number[], move: (from: number, to: number, share: number) => void) => void} walk
 * @returns {Operation}
 */
const moving = (walk) => ({
  forward(layer, [x], shape) {
    const y = new Float32Array(count(layer.shape));
    walk(layer, shape, (from, to, share) => { y[to] += share * x[from]; });
    return y;
  },
  back(layer, dy, y, x, shape) {
    const dx = new Float32Array(x.length);
    walk(layer, shape, (from, to, share) => { dx[from] += share * dy[to]; });
    return [dx];
  },
});

/** @type {Record<string, Operation>} */
const OPERATIONS = {
  linear: {
    forward: ({ weight, bias }, [x]) => plus(product(weight, x, bias.length), bias),
    back({ weight }, dy, y, x) {
      const dx = new Float32Array(x.length);
      for (let o = 0, at = 0; o < dy.length; o++) for (let k = 0; k < dx.length; k++, at++) dx[k] += dy[o] * weight[at];
      return [dx];
    },
  },
  convolution: {
    forward: (layer, [x], shape) => convolve(layer, layer.bias, x, shape, layer.shape),
    back: (layer, dy, y, x, shape) => [spread(layer, new Float32Array(shape[0]), dy, layer.shape, shape)],
  },
  transposed: {
    forward: (layer, [x], shape) => spread(layer, layer.bias, x, shape, layer.shape),
    back: (layer, dy, y, x, shape) => [convolve(layer, new Float32Array(shape[0]), dy, layer.shape, shape)],
  },
  scale: {
    forward({ weight, bias }, [x]) {
      const size = x.length / weight.length;
      return x.map((value, k) => value * weight[(k / size) | 0] + bias[(k / size) | 0]);
    },
    back({ weight }, dy) {
      const size = dy.length / weight.length;
      return [dy.map((d, k) => d * weight[(k / size) | 0])];
    },
  },
  add: {
    forward: ({ sign }, [a, b]) => a.map((value, k) => value + sign * b[k]),
    back: ({ sign }, dy) => [dy, dy.map((d) => sign * d)],
  },
  reshape: { forward: (layer, [x]) => x, back: (layer, dy) => [dy] },
  affine: each(({ times, plus }) => (x) => times * x + plus, ({ times }) => () => times),
  leaky: each(({ slope }) => (x) => (x < 0 ? slope * x : x), ({ slope }) => (y, x) => (x < 0 ? slope : 1)),
  tanh: each(() => Math.tanh, () => (y) => 1 - y * y),
  sigmoid: each(() => sigmoid, () => (y) => y * (1 - y)),
  erf: each(() => erf, () => (y, x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)),
  log: each(() => Math.log, () => (y, x) => 1 / x),
  clamp: each(
    ({ low, high }) => (x) => Math.min(high ?? Infinity, Math.max(low ?? -Infinity, x)),
    ({ low, high }) => (y, x) => Number(x >= (low ?? -Infinity) && x <= (high ?? Infinity)),
  ),
  pool: {
    forward: (layer, [x], [channels, height, width]) => maxPool(x, channels * height, width),
    back(layer, dy, y, x, [, , width]) {
      const dx = new Float32Array(x.length);
      const half = width / 2;
      for (let k = 0; k < y.length; k++) {
        const at = 2 * (Math.floor(k / half) * width + (k % half));
        const from = [at, at + 1, at + width, at + width + 1].find((place) => x[place] === y[k]);
        if (from !== undefined) dx[from] = dy[k];
      }
      return [dx];
    },
  },
  // Channel r r c + r dy + dx gives the points (r y + dy, r x + dx) of channel c.
  shuffle: moving(({ factor: r, shape: [, , wide] }, [channels, height, width], move) => {
    for (let channel = 0, from = 0; channel < channels; channel++) {
      const [dy, dx] = [Math.floor(channel / r) % r, channel % r];
      const row = Math.floor(channel / (r * r)) * r * height + dy;
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++, from++) move(from, (row + r * y) * wide + r * x + dx, 1);
    }
  }),
  // Many become their mean, or one becomes many.
  channels: moving(({ share, shape: [after, tall, wide] }, [before], move) => {
    const size = tall * wide;
    for (let k = 0; k < Math.max(before, after) * size; k++) move(before > 1 ? k : k % size, after > 1 ? k : k % size, share);
  }),
  resize: moving(({ smooth, shape: [channels, tall, wide] }, [, height, width], move) => {
    const [rows, columns] = [taps(tall, height, smooth), taps(wide, width, smooth)];
    for (let channel = 0, to = 0; channel < channels; channel++) {
      for (const row of rows) {
        for (const column of columns) {
          for (const [y, below] of row) for (const [x, beside] of column) move((channel * height + y) * width + x, to, below * beside);
          to++;
        }
      }
    }
  }),
};

/** @param {number[]} shape */
const count = (shape) => shape.reduce((all, size) => all * size, 1);

/**
 * Where each point of a longer line takes its value from: the nearest point, or the two around it.
 * Points stand in the middles of their fields, as with PyTorch's align_corners=False.
 * @param {number} long
 * @param {number} short
 * @param {boolean} smooth
 * @returns {[from: number, share: number][][]}
 */
const taps = (long, short, smooth) => Array.from({ length: long }, (_, k) => {
  if (!smooth) return [[Math.floor((k * short) / long), 1]];
  const at = Math.max(0, ((k + 0.5) * short) / long - 0.5);
  const before = Math.floor(at);
  return [[before, 1 - at + before], [Math.min(before + 1, short - 1), at - before]];
});

/**
 * y + bias, one number for each channel.
 * @param {Float32Array} y (channels, height, width)
 * @param {Float32Array} bias (channels)
 */
function plus(y, bias) {
  const size = y.length / bias.length;
  return y.map((value, k) => value + bias[(k / size) | 0]);
}

/**
 * A convolution as one product: each point of the output sees a patch of the input, as a column.
 * @param {Layer} layer its weight is (out channels, in channels, kernel, kernel)
 * @param {Float32Array} bias (out channels)
 * @param {Float32Array} x
 * @param {number[]} shape of x
 * @param {number[]} into the shape of the output
 */
function convolve(layer, bias, x, shape, into) {
  const rows = layer.weight.length / into[0]; // (in channels, kernel, kernel)
  const patches = new Float32Array(rows * into[1] * into[2]);
  eachPlace(layer, rows, shape, into, (at, place) => { patches[at] = x[place]; });
  return plus(product(layer.weight, patches, into[0]), bias);
}

/**
 * The other way round: each point of the input adds its patch to the output. So it is a transposed
 * convolution, and leads from the gradient of what `convolve` gave to that of what it was given.
 * @param {Layer} layer its weight is (in channels, out channels, kernel, kernel)
 * @param {Float32Array} bias (out channels)
 * @param {Float32Array} x
 * @param {number[]} shape of x
 * @param {number[]} into the shape of the output
 */
function spread(layer, bias, x, shape, into) {
  const rows = layer.weight.length / shape[0]; // (out channels, kernel, kernel)
  const turned = (layer.turned ??= transposed(layer.weight, shape[0], rows));
  const patches = product(turned, x, rows);
  const y = new Float32Array(count(into));
  eachPlace(layer, rows, into, shape, (at, place) => { y[place] += patches[at]; });
  return plus(y, bias);
}

/**
 * Each number of the patches that lies within the image, and its place there.
 * @param {Layer} layer
 * @param {number} rows of the patches (channels, kernel, kernel); their columns are the points
 * @param {number[]} image its shape
 * @param {number[]} points the shape of what has a point for each patch
 * @param {(at: number, place: number) => void} visit
 */
function eachPlace({ stride, padding }, rows, [channels, height, width], [, tall, wide], visit) {
  const kernel = Math.sqrt(rows / channels);
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        for (let row = 0; row < tall; row++) {
          const y = row * stride + ky - padding;
          for (let column = 0; column < wide; column++, at++) {
            const x = column * stride + kx - padding;
            if (y >= 0 && y < height && x >= 0 && x < width) visit(at, (channel * height + y) * width + x);
          }
        }
      }
    }
  }
}

/**
 * The largest of each two by two points.
 * @param {Float32Array} x
 * @param {number} rows of all channels
 * @param {number} width
 */
function maxPool(x, rows, width) {
  const pooled = new Float32Array(x.length / 4);
  for (let row = 0, at = 0; row < rows / 2; row++) {
    for (let column = 0; column < width; column += 2, at++) {
      const a = 2 * row * width + column;
      const b = a + width;
      pooled[at] = Math.max(x[a], x[a + 1], x[b], x[b + 1]);
    }
  }
  return pooled;
}

/**
 * The error function, to 1.5e-7: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions"
 * (1964), 7.1.26.
 * @param {number} x
 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429].reduceRight((rest, a) => (rest + a) * t, 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

/** A generator, a discriminator or a classifier. */
export class Layers {
  /** @type {Layer[] | undefined} */
  unpacked;

  /**
   * @param {Described[]} layers
   * @param {import("./tensors.js").PackedWeights} packed
   */
  constructor(layers, packed) {
    this.described = layers;
    this.packed = packed;
  }

  /** With their weights, which are unpacked when they are first used. @returns {Layer[]} */
  get layers() {
    return (this.unpacked ??= this.described.map((layer, place) => {
      const [weight, bias] = ["weight", "bias"].map((name) => fromHalf(this.packed[`${place}.${name}`]?.data ?? ""));
      return { ...layer, weight, bias };
    }));
  }

  /** How many numbers it takes: of a generator, the length of z. */
  get latent_dim() {
    return count(this.described[0].shape);
  }

  /**
   * What every layer gives.
   * @param {Float32Array} x
   */
  open(x) {
    /** @type {Float32Array[]} */
    const outputs = [];
    for (const layer of this.layers) {
      const { op, of } = layer;
      outputs.push(op === "input" ? x : OPERATIONS[op].forward(layer, of.map((place) => outputs[place]), this.layers[of[0]].shape));
    }
    return outputs;
  }

  /** @param {Float32Array} x z, or an image (28 * 28) in 0..1 */
  forward(x) {
    return this.open(x)[this.layers.length - 1];
  }

  /**
   * The maps after each convolution and its ReLU.
   * @param {Float32Array} image (28 * 28) in 0..1
   * @returns {Maps[]}
   */
  maps(image) {
    const outputs = this.open(image);
    return this.layers.flatMap(({ op, shape: [channels, height, width] }, place) =>
      (op === "leaky" && width ? [{ channels, height, width, values: outputs[place] }] : []));
  }

  /**
   * The derivative of its one output with respect to each number of its input.
   * @param {Float32Array} x (28 * 28) in 0..1
   * @returns {Float32Array} (28 * 28)
   */
  slopes(x) {
    const outputs = this.open(x);
    const last = outputs.length - 1;
    /** @type {Float32Array[]} */
    const slopes = [];
    slopes[last] = Float32Array.of(1);
    for (let place = last; place > 0; place--) {
      const layer = this.layers[place];
      if (!slopes[place]) continue; // nothing comes of it
      const [from] = layer.of;
      const back = OPERATIONS[layer.op].back(layer, slopes[place], outputs[place], outputs[from], this.layers[from].shape);
      layer.of.forEach((input, k) => {
        const before = slopes[input];
        slopes[input] = before ? before.map((slope, at) => slope + back[k][at]) : back[k];
      });
    }
    return slopes[0];
  }
}
