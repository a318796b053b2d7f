/** Where the latent studio's numbers come from: the networks of this page, or a server. */

import { el, drawImage, t } from "./dom.js";
import { normals } from "./seeds.js";
import { argmax, softmax } from "./tensors.js";

/**
 * What the classifier sees (-1 without one) and how sure it is, and the discriminator's logit:
 * above 0 means real (NaN without one).
 * @typedef {{digit: number, share: number, logit: number}} Verdict
 * @typedef {Verdict & {image: Float32Array}} Picture its image is (28 * 28) in 0..1
 * @typedef {Picture & {z: Float32Array}} Sample
 *
 * Points are weights of some corners: z = weights[0] corners[0] + weights[1] corners[1] + ...
 * `early` draws them by the generator as it was early in its training, where that is at hand.
 * @typedef {{
 *   latent_dim: number,
 *   canName: boolean,
 *   canJudge: boolean,
 *   samples: (seed: number, digit: string, tried: (count: number) => void) => Promise<Sample[]>,
 *   pair: (seed: number, from: number, to: number) => Promise<Sample[]>,
 *   draw: (corners: Float32Array[], weights: number[][]) => Promise<Picture[]>,
 *   name: (corners: Float32Array[], weights: number[][]) => Promise<number[]>,
 *   judge: (images: Float32Array[]) => Promise<Verdict[]>,
 *   slopes: (image: Float32Array) => Promise<Float32Array>,
 *   copies?: import("./models.js").Copies,
 *   nearest?: (image: Float32Array, digit: number) => Promise<Nearest>,
 *   early?: (corners: Float32Array[], weights: number[][]) => Promise<{step: number, pictures: Picture[]}>,
 * }} Source
 *
 * `slopes` are the derivatives of the discriminator's logit with respect to each point of an image.
 * The nearest of all training images, and how far real test images of a digit are from theirs:
 * @typedef {{image: Float32Array, distance: number, of_real: number[]}} Nearest
 *
 */

export const NUM_TILES = 25;
export const SURE = 0.9; // a picture is clearly of a class from this probability on
const CANDIDATES = 1000; // tried before a class is given up
const WORK = 20; // milliseconds between two pauses

/**
 * The networks in this page; they let it draw and answer in between.
 * @param {{
 *   generator: import("./images.js").Layers, discriminator?: import("./images.js").Layers,
 *   classifier?: import("./images.js").Layers, copies?: import("./models.js").Copies,
 * }} networks
 * @returns {Source}
 */
export function local({ generator, classifier, discriminator, copies }) {
  /**
   * @param {Float32Array} image
   * @returns {Picture}
   */
  function picture(image) {
    const shares = classifier ? softmax(classifier.forward(image)) : [];
    const digit = classifier ? argmax(shares) : -1;
    return { image, digit, share: shares[digit] ?? NaN, logit: discriminator ? discriminator.forward(image)[0] : NaN };
  }

  /** @param {Float32Array} z @returns {Sample} */
  const sample = (z) => ({ z, ...picture(generator.forward(z)) });

  /** @param {Float32Array[]} corners */
  const at = (corners) => (/** @type {number[]} */ weights) =>
    corners[0].map((_, j) => weights.reduce((sum, weight, k) => sum + weight * corners[k][j], 0));

  /**
   * @template A, B
   * @param {Iterable<A>} all
   * @param {(one: A) => B} make
   */
  async function* each(all, make) {
    let until = performance.now() + WORK;
    for (const one of all) {
      if (performance.now() > until) {
        await new Promise((go) => setTimeout(go));
        until = performance.now() + WORK;
      }
      yield make(one);
    }
  }

  /**
   * @template A, B
   * @param {Iterable<A>} all
   * @param {(one: A) => B} make
   */
  async function every(all, make) {
    const made = [];
    for await (const one of each(all, make)) made.push(one);
    return made;
  }

  /**
   * The candidates of toolkit/gan/latent.py, or the samples of demos/latent_studio/studio.py.
   * @param {number} seed
   * @param {"interpolation" | "samples"} [purpose]
   */
  function* points(seed, purpose = "interpolation") {
    const normal = normals(seed, purpose);
    const next = () => Number(normal.next().value);
    for (let k = 0; k < CANDIDATES; k++) yield Float32Array.from({ length: generator.latent_dim }, next);
  }

  return {
    latent_dim: generator.latent_dim,
    copies,
    canName: Boolean(classifier),
    canJudge: Boolean(discriminator),
    async samples(seed, digit, tried) {
      const found = [];
      let count = 0;
      for await (const one of each(points(seed, digit === "any" ? "samples" : "interpolation"), sample)) {
        if (++count % NUM_TILES === 0) tried(count);
        if (digit === "any" || (String(one.digit) === digit && one.share >= SURE)) found.push(one);
        if (found.length === NUM_TILES) break;
      }
      if (!found.length) throw noSample(Number(digit));
      return found;
    },
    async pair(seed, from, to) {
      /** @type {Record<number, Sample>} */
      const first = {};
      for await (const one of each(points(seed), sample)) {
        if (one.share >= SURE) first[one.digit] ??= one;
        if (first[from] && first[to]) return [first[from], first[to]];
      }
      throw noSample(first[from] ? to : from);
    },
    draw: (corners, weights) => every(weights.map(at(corners)), (z) => picture(generator.forward(z))),
    name: (corners, weights) => every(weights.map(at(corners)), (z) =>
      classifier ? argmax(classifier.forward(generator.forward(z))) : -1),
    judge: (images) => every(images, picture),
    slopes: async (image) => discriminator?.slopes(image) ?? new Float32Array(784),
  };
}

/**
 * Images side by side, as a PNG.
 * @param {Float32Array[]} images
 * @param {number} columns
 * @returns {Promise<Blob>}
 */
export function sheet(images, columns) {
  const side = 4 * 28;
  const small = el("canvas");
  const large = el("canvas", { width: columns * side, height: Math.ceil(images.length / columns) * side });
  const context = /** @type {CanvasRenderingContext2D} */ (large.getContext("2d"));
  context.imageSmoothingEnabled = false;
  images.forEach((image, k) => {
    drawImage(small, image);
    context.drawImage(small, (k % columns) * side, Math.floor(k / columns) * side, side, side);
  });
  return new Promise((done) => large.toBlob((blob) => done(/** @type {Blob} */ (blob))));
}

/** @param {number} digit */
const noSample = (digit) => new Error(t("None of 1,000 samples clearly shows the digit %(digit)s. Choose another digit.", { digit }));

/**
 * Asks one question at a time, and after it the newest: what was asked in between is left out.
 * @template Question, Answer
 * @param {(question: Question) => Promise<Answer>} ask
 * @param {(answer: Answer, question: Question) => void} show
 * @param {(error: Error) => void} fail
 */
export function newest(ask, show, fail) {
  /** @type {{question: Question} | null} */
  let next = null;
  let busy = false;
  return async (/** @type {Question} */ question) => {
    next = { question };
    if (busy) return;
    busy = true;
    while (next) {
      const { question: now } = /** @type {{question: Question}} */ (next);
      next = null;
      try {
        show(await ask(now), now);
      } catch (error) {
        fail(/** @type {Error} */ (error));
      }
    }
    busy = false;
  };
}
