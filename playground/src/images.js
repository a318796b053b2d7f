/**
 * The generator, the discriminator and the classifier. Images go from 0 (background) to 1 (ink).
 *
 * Batch norm is a multiplication and an addition for each channel once a network is trained; it is
 * folded into the layer before it when the page is made (toolkit/export/playground.py).
 */

import { fromHalf, product } from "./tensors.js";

/** @typedef {import("./tensors.js").Maps} Maps */

/** @typedef {{weight: Float32Array, bias: Float32Array, shape: number[]}} Layer */

/**
 * "layers.0.weight" and "layers.0.bias" become layers["layers.0"].
 * @param {import("./tensors.js").PackedWeights} packed
 */
function unpack(packed) {
  /** @type {Record<string, Layer>} */
  const layers = {};
  for (const [name, { shape, data }] of Object.entries(packed)) {
    if (!name.endsWith(".weight")) continue;
    const layer = name.slice(0, -".weight".length);
    layers[layer] = { weight: fromHalf(data), bias: fromHalf(packed[`${layer}.bias`].data), shape };
  }
  return layers;
}

/**
 * @param {Layer} layer
 * @param {Float32Array} x
 */
const linear = (layer, x) => product(layer.weight, layer.bias, x);

/**
 * A convolution as one product: each point of the output sees a patch of the input, as a row.
 * @param {Layer} layer its weight is (out channels, in channels, kernel, kernel)
 * @param {Maps} x
 * @param {number} padding
 * @param {number} [stride]
 * @returns {Maps}
 */
function convolve({ weight, bias, shape }, x, padding, stride = 1) {
  const kernel = shape[3];
  const height = Math.floor((x.height + 2 * padding - kernel) / stride) + 1;
  const width = Math.floor((x.width + 2 * padding - kernel) / stride) + 1;
  const inputs = x.channels * kernel * kernel;
  const patches = new Float32Array(height * width * inputs);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let at = (row * width + column) * inputs;
      for (let channel = 0; channel < x.channels; channel++) {
        for (let ky = 0; ky < kernel; ky++) {
          const y = row * stride + ky - padding;
          const start = (channel * x.height + y) * x.width - padding + column * stride;
          for (let kx = 0; kx < kernel; kx++, at++) {
            const inside = column * stride + kx - padding;
            if (y >= 0 && y < x.height && inside >= 0 && inside < x.width) {
              patches[at] = x.values[start + kx];
            }
          }
        }
      }
    }
  }
  const values = product(weight, bias, patches, height * width);
  return { channels: bias.length, height, width, values };
}

/**
 * From the gradient of an output y of `linear` to that of its input x.
 * @param {Layer} layer
 * @param {Float32Array} dy
 */
function linearBack({ weight, shape }, dy) {
  const dx = new Float32Array(shape[1]);
  for (let o = 0, at = 0; o < dy.length; o++) for (let k = 0; k < dx.length; k++, at++) dx[k] += dy[o] * weight[at];
  return dx;
}

/**
 * The same for `convolve`: each point of the input gets from every patch that it is in.
 * @param {Layer} layer
 * @param {Maps} dy
 * @param {Maps} x the input, for its size
 * @param {number} padding
 * @param {number} [stride]
 */
function convolveBack({ weight, shape }, dy, x, padding, stride = 1) {
  const kernel = shape[3];
  const dx = new Float32Array(x.values.length);
  for (let o = 0, from = 0; o < dy.channels; o++) {
    for (let row = 0; row < dy.height; row++) {
      for (let column = 0; column < dy.width; column++, from++) {
        const slope = dy.values[from];
        let at = o * x.channels * kernel * kernel;
        for (let channel = 0; channel < x.channels; channel++) {
          for (let ky = 0; ky < kernel; ky++) {
            const y = row * stride + ky - padding;
            for (let kx = 0; kx < kernel; kx++, at++) {
              const inside = column * stride + kx - padding;
              if (y >= 0 && y < x.height && inside >= 0 && inside < x.width) {
                dx[(channel * x.height + y) * x.width + inside] += slope * weight[at];
              }
            }
          }
        }
      }
    }
  }
  return { ...x, values: dx };
}

/**
 * From the gradient of what `rectify` gave to that of what it was given, in place.
 * @param {Float32Array} dy
 * @param {Float32Array} y what it gave, which has the sign of what it was given
 * @param {number} slope
 */
function rectifyBack(dy, y, slope) {
  for (let k = 0; k < dy.length; k++) if (y[k] < 0) dy[k] *= slope;
  return dy;
}

/**
 * max(x, slope x), in place: ReLU at slope 0.
 * @template {Float32Array | Maps} T
 * @param {T} x
 * @param {number} [slope]
 * @returns {T}
 */
function rectify(x, slope = 0) {
  const values = x instanceof Float32Array ? x : x.values;
  for (let k = 0; k < values.length; k++) if (values[k] < 0) values[k] *= slope;
  return x;
}

/**
 * Four channels become one of twice the height and width: channel 4 c + 2 dy + dx gives the points
 * (2 y + dy, 2 x + dx) of channel c.
 * @param {Maps} maps
 * @returns {Maps}
 */
function pixelShuffle({ channels, height, width, values }) {
  const shuffled = new Float32Array(values.length);
  for (let channel = 0, at = 0; channel < channels; channel++) {
    const dy = (channel >> 1) & 1;
    const dx = channel & 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        shuffled[(((channel >> 2) * 2 * height + 2 * y + dy) * 2 * width) + 2 * x + dx] = values[at];
      }
    }
  }
  return { channels: channels / 4, height: 2 * height, width: 2 * width, values: shuffled };
}

/**
 * The largest of each two by two points.
 * @param {Maps} maps
 * @returns {Maps}
 */
function maxPool({ channels, height, width, values }) {
  const pooled = new Float32Array(values.length / 4);
  for (let row = 0, at = 0; row < (channels * height) / 2; row++) {
    for (let x = 0; x < width; x += 2, at++) {
      const a = 2 * row * width + x;
      const b = a + width;
      pooled[at] = Math.max(values[a], values[a + 1], values[b], values[b + 1]);
    }
  }
  return { channels, height: height / 2, width: width / 2, values: pooled };
}

/**
 * @param {Float32Array} values
 * @param {number} channels
 * @param {number} side
 * @returns {Maps}
 */
const asMaps = (values, channels, side) => ({ channels, height: side, width: side, values });

/** From z, 64 numbers ~ N(0, 1), to an image: 7 x 7, 14 x 14, 28 x 28. */
export class Generator {
  /** @param {import("./tensors.js").PackedWeights} packed */
  constructor(packed) {
    this.layers = unpack(packed);
    this.latent_dim = packed["layers.0.weight"].shape[1];
    this.width = packed["layers.4.weight"].shape[1];
  }

  /**
   * z + MLP(z): the mapping network moves z, if there is one.
   * @param {Float32Array} z (latent_dim)
   */
  map(z) {
    const layers = this.layers;
    if (!layers["mapping.0"]) return z;
    let x = rectify(linear(layers["mapping.0"], z), 0.2);
    x = rectify(linear(layers["mapping.2"], x), 0.2);
    return linear(layers["mapping.4"], x).map((moved, k) => z[k] + moved);
  }

  /**
   * @param {Float32Array} z (latent_dim)
   * @returns {Float32Array} (28 * 28) in 0..1
   */
  forward(z) {
    const layers = this.layers;
    let x = asMaps(rectify(linear(layers["layers.0"], this.map(z))), this.width, 7);
    x = rectify(convolve(layers["layers.4"], x, 1));
    x = rectify(pixelShuffle(convolve(layers["layers.7"], x, 1))); // 14 x 14
    x = rectify(convolve(layers["layers.11"], x, 1));
    x = pixelShuffle(convolve(layers["layers.14"], x, 1)); // 28 x 28
    return x.values.map((value) => (Math.tanh(value) + 1) / 2);
  }
}

const LEAK = 0.2; // of the discriminator's ReLUs below 0

/** From an image to one logit: above 0 means real. */
export class Discriminator {
  /** @param {import("./tensors.js").PackedWeights} packed */
  constructor(packed) {
    this.layers = unpack(packed);
  }

  /**
   * @param {Float32Array} image (28 * 28) in 0..1
   * @returns {Float32Array} one logit
   */
  forward(image) {
    const layers = this.layers;
    return linear(layers["readout"], this.open(image).features);
  }

  /** @param {Float32Array} image (28 * 28) in 0..1 */
  open(image) {
    const layers = this.layers;
    const x = asMaps(image.map((value) => value * 2 - 1), 1, 28);
    const first = rectify(convolve(layers["layers.0"], x, 1, 2), LEAK); // 14 x 14
    const second = rectify(convolve(layers["layers.2"], first, 1, 2), LEAK); // 7 x 7
    const third = rectify(convolve(layers["layers.4"], second, 1), LEAK);
    return { maps: [x, first, second, third], features: rectify(linear(layers["layers.7"], third.values), LEAK) };
  }

  /**
   * The derivative of the logit with respect to each point of the image.
   * @param {Float32Array} image (28 * 28) in 0..1
   * @returns {Float32Array} (28 * 28)
   */
  slopes(image) {
    const layers = this.layers;
    const { maps: [x, first, second, third], features } = this.open(image);
    let d = rectifyBack(linearBack(layers["readout"], Float32Array.of(1)), features, LEAK);
    d = rectifyBack(linearBack(layers["layers.7"], d), third.values, LEAK);
    d = rectifyBack(convolveBack(layers["layers.4"], { ...third, values: d }, second, 1).values, second.values, LEAK);
    d = rectifyBack(convolveBack(layers["layers.2"], { ...second, values: d }, first, 1, 2).values, first.values, LEAK);
    d = convolveBack(layers["layers.0"], { ...first, values: d }, x, 1, 2).values;
    return d.map((slope) => 2 * slope); // of x = 2 image - 1
  }
}

/** From an image to the logits of the ten digits. */
export class Classifier {
  /** @param {import("./tensors.js").PackedWeights} packed */
  constructor(packed) {
    this.layers = unpack(packed);
  }

  /**
   * Its feature maps, layer after layer, and the 128 features before the logits.
   * @param {Float32Array} image (28 * 28) in 0..1
   * @returns {{maps: Maps[], features: Float32Array}}
   */
  open(image) {
    const layers = this.layers;
    const first = rectify(convolve(layers["layers.0"], asMaps(image, 1, 28), 2)); // 16 x 28 x 28
    const second = rectify(convolve(layers["layers.4"], maxPool(first), 1)); // 32 x 14 x 14
    const third = rectify(convolve(layers["layers.7"], second, 1)); // 64 x 14 x 14
    const features = rectify(linear(layers["layers.12"], maxPool(third).values));
    return { maps: [first, second, third], features };
  }

  /**
   * @param {Float32Array} image (28 * 28) in 0..1
   * @returns {Float32Array} ten logits
   */
  forward(image) {
    return linear(this.layers["readout"], this.open(image).features);
  }
}
