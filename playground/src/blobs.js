/**
 * A GAN in two dimensions, with its own backpropagation. Real points lie in eight blobs on a ring.
 *
 * With D(x) the logit that x is real, and s(a) = log(1 + e^a):
 *
 *     loss of D = mean s(-D(x)) + mean s(D(G(z))) + penalty / 2 mean |grad D(x)|^2
 *     loss of G = mean s(-D(G(z)))
 *
 * The penalty is that of Mescheder et al., "Which Training Methods for GANs do actually Converge?"
 * (2018). Between its kinks D is linear, so grad D = W_1^T m_1 W_2^T m_2 w_3, with slopes m, and the
 * penalty's own gradient needs no second derivative of them.
 */

import { normalFrom, sigmoid } from "./tensors.js";

export const NUM_BLOBS = 8;
export const RADIUS = 1;
export const SIGMA = 0.05;
export const COVERED = 0.02; // of the samples: so many belong to a blob that counts as found
const NEAR = 3; // standard deviations: a point of a blob
const SLOPE = 0.2; // of the leaky ReLU below 0

/** @param {number} blob @returns {[number, number]} */
export const centre = (blob) => {
  const angle = (2 * Math.PI * blob) / NUM_BLOBS;
  return [RADIUS * Math.cos(angle), RADIUS * Math.sin(angle)];
};

/** Linear layers with leaky ReLUs between them, and Adam. */
export class MLP {
  /**
   * @param {number[]} sizes
   * @param {() => number} normal
   */
  constructor(sizes, normal) {
    this.sizes = sizes;
    this.weights = sizes.slice(1).map((outputs, l) =>
      Float64Array.from({ length: outputs * sizes[l] }, () => normal() * Math.sqrt(2 / sizes[l])));
    this.biases = sizes.slice(1).map((outputs) => new Float64Array(outputs));
    const zeros = () => [...this.weights, ...this.biases].map((values) => new Float64Array(values.length));
    this.gradients = zeros();
    this.means = zeros();
    this.squares = zeros();
    this.updates = 0;
    /** Inputs of each layer, (points, inputs). @type {Float64Array[]} */
    this.inputs = [];
  }

  /**
   * @param {Float64Array} x (points, inputs)
   * @returns {Float64Array} (points, outputs)
   */
  forward(x) {
    this.inputs = [];
    const points = x.length / this.sizes[0];
    this.weights.forEach((weight, l) => {
      this.inputs.push(x);
      const [inputs, outputs] = [this.sizes[l], this.sizes[l + 1]];
      const y = new Float64Array(points * outputs);
      for (let p = 0; p < points; p++) {
        for (let o = 0; o < outputs; o++) {
          let sum = this.biases[l][o];
          for (let k = 0, at = o * inputs, from = p * inputs; k < inputs; k++) sum += weight[at + k] * x[from + k];
          y[p * outputs + o] = sum < 0 && l < this.weights.length - 1 ? SLOPE * sum : sum;
        }
      }
      x = y;
    });
    return x;
  }

  /**
   * From dL/dy to dL/dx at the points of the last `forward`.
   * @param {Float64Array} dy (points, outputs)
   * @param {boolean} learns whether the gradients of the weights are added up
   */
  backward(dy, learns) {
    for (let l = this.weights.length - 1; l >= 0; l--) {
      const [inputs, outputs] = [this.sizes[l], this.sizes[l + 1]];
      const points = dy.length / outputs;
      const [x, weight] = [this.inputs[l], this.weights[l]];
      const [dw, db] = [this.gradients[l], this.gradients[this.weights.length + l]];
      const dx = new Float64Array(points * inputs);
      for (let p = 0; p < points; p++) {
        for (let o = 0; o < outputs; o++) {
          const d = dy[p * outputs + o];
          if (learns) db[o] += d;
          for (let k = 0, at = o * inputs, from = p * inputs; k < inputs; k++) {
            if (learns) dw[at + k] += d * x[from + k];
            dx[from + k] += d * weight[at + k];
          }
        }
        if (l > 0) for (let k = 0, from = p * inputs; k < inputs; k++) if (x[from + k] < 0) dx[from + k] *= SLOPE;
      }
      dy = dx;
    }
    return dy;
  }

  /**
   * Add the gradient of scale / 2 * sum |grad y|^2 over the points of the last `forward`; y is one number.
   * @param {number} scale
   */
  penalise(scale) {
    const last = this.weights.length - 1;
    const points = this.inputs[0].length / this.sizes[0];
    const slope = (/** @type {number} */ l, /** @type {number} */ at) => (this.inputs[l][at] < 0 ? SLOPE : 1);
    for (let p = 0; p < points; p++) {
      // Up to now u[l] is the derivative of y with respect to the inputs of layer l + 1.
      const u = new Array(last + 1).fill(null).map(() => new Float64Array());
      u[last] = Float64Array.of(1);
      const before = (/** @type {number} */ l) => {
        const [inputs, outputs] = [this.sizes[l], this.sizes[l + 1]];
        const v = new Float64Array(inputs);
        for (let o = 0; o < outputs; o++) for (let k = 0; k < inputs; k++) v[k] += u[l][o] * this.weights[l][o * inputs + k];
        if (l > 0) for (let k = 0; k < inputs; k++) v[k] *= slope(l, p * inputs + k);
        return v;
      };
      for (let l = last; l > 0; l--) u[l - 1] = before(l);
      let d = before(0).map((value) => value * scale);
      for (let l = 0; l <= last; l++) {
        const [inputs, outputs] = [this.sizes[l], this.sizes[l + 1]];
        const next = new Float64Array(outputs);
        for (let o = 0; o < outputs; o++) {
          let sum = 0;
          for (let k = 0; k < inputs; k++) {
            this.gradients[l][o * inputs + k] += u[l][o] * d[k];
            sum += this.weights[l][o * inputs + k] * d[k];
          }
          next[o] = l < last ? sum * slope(l + 1, p * outputs + o) : sum;
        }
        d = next;
      }
    }
  }

  /**
   * One update by Adam (Kingma and Ba, 2015); the gradients are 0 afterwards.
   * @param {number} rate
   */
  update(rate) {
    const [beta1, beta2] = [0.5, 0.99];
    this.updates++;
    const scale = rate * Math.sqrt(1 - beta2 ** this.updates) / (1 - beta1 ** this.updates);
    [...this.weights, ...this.biases].forEach((values, k) => {
      const [gradient, mean, square] = [this.gradients[k], this.means[k], this.squares[k]];
      for (let j = 0; j < values.length; j++) {
        mean[j] += (1 - beta1) * (gradient[j] - mean[j]);
        square[j] += (1 - beta2) * (gradient[j] ** 2 - square[j]);
        values[j] -= scale * mean[j] / (Math.sqrt(square[j]) + 1e-8);
        gradient[j] = 0;
      }
    });
  }
}

export const DEFAULT = { rate_g: 0.008, rate_d: 0.003, penalty: 0.1, hidden: 32, latent: 2, batch: 64, calm: 1000 };

export class RingGAN {
  /**
   * @param {() => number} uniform
   * @param {typeof DEFAULT} [settings]
   */
  constructor(uniform, settings = DEFAULT) {
    const { hidden, latent } = settings;
    this.settings = settings;
    this.uniform = uniform;
    this.normal = normalFrom(uniform);
    this.generator = new MLP([latent, hidden, hidden, 2], this.normal);
    this.discriminator = new MLP([2, hidden, hidden, 1], this.normal);
    this.calm = 0; // rounds in which D kept up
  }

  /** @param {number} points @returns {Float64Array} */
  latents(points) {
    return Float64Array.from({ length: points * this.settings.latent }, this.normal);
  }

  /** @param {number} points @returns {Float64Array} (points, 2) */
  real(points) {
    const x = new Float64Array(2 * points);
    for (let p = 0; p < points; p++) {
      const [a, b] = centre(Math.floor(NUM_BLOBS * this.uniform()));
      x[2 * p] = a + SIGMA * this.normal();
      x[2 * p + 1] = b + SIGMA * this.normal();
    }
    return x;
  }

  /**
   * One step of the one that learns less often, and as many of the other as the ratio says.
   * @param {number} ratio steps of G for one of D
   */
  round(ratio) {
    for (let k = 0; k < Math.max(1, Math.round(1 / ratio)); k++) this.stepD();
    for (let k = 0; k < Math.max(1, Math.round(ratio)); k++) this.stepG();
    this.calm = ratio > 1 ? 0 : this.calm + 1;
  }

  /** What is left of the rates: where D keeps up they fall, and the points come to rest. */
  get pace() {
    return 1 / (1 + this.calm / this.settings.calm);
  }

  stepD() {
    const { batch, penalty, rate_d } = this.settings;
    const D = this.discriminator;
    const drawn = this.generator.forward(this.latents(batch));
    D.backward(D.forward(drawn).map((logit) => sigmoid(logit) / batch), true);
    D.backward(D.forward(this.real(batch)).map((logit) => -sigmoid(-logit) / batch), true);
    if (penalty > 0) D.penalise(penalty / batch);
    D.update(rate_d * this.pace);
  }

  stepG() {
    const { batch, rate_g } = this.settings;
    const [G, D] = [this.generator, this.discriminator];
    const drawn = G.forward(this.latents(batch));
    G.backward(D.backward(D.forward(drawn).map((logit) => -sigmoid(-logit) / batch), false), true);
    G.update(rate_g * this.pace);
  }
}

/**
 * The share of points in each blob, within three standard deviations of its centre.
 * @param {Float64Array} points (points, 2)
 */
export function inBlobs(points) {
  const shares = new Array(NUM_BLOBS).fill(0);
  const centres = shares.map((_, blob) => centre(blob));
  for (let at = 0; at < points.length; at += 2) {
    const blob = centres.findIndex(([a, b]) => Math.hypot(points[at] - a, points[at + 1] - b) < NEAR * SIGMA);
    if (blob >= 0) shares[blob] += 2 / points.length;
  }
  return shares;
}
