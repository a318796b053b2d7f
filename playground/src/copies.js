/** Does the generator copy? Its first samples beside the nearest of all training images. */

import { button, drawImage, el, number, percent, t } from "./dom.js";
import { bytesOf } from "./tensors.js";

const POINTS = 784; // of an image

/** A copy lies less than half as far from its training image as any real image lies from its own. */
export const COPY = 0.5;

/**
 * Each sample's distance by that of the real test image of its digit that is nearest to its own training image.
 * @param {number[]} distances
 * @param {number[]} digits what the classifier sees in each sample
 * @param {number[][]} of_real distances of real test images of each digit
 */
const byReal = (distances, digits, of_real) => distances.map((distance, k) => distance / Math.min(...of_real[digits[k]]));

/**
 * How near the samples are to their training images, and how near real test images are to theirs.
 * @param {number[]} distances
 * @param {number[]} digits
 * @param {number[][]} of_real
 */
export function copiesSaid(distances, digits, of_real) {
  const shares = byReal(distances, digits, of_real);
  const nearer = distances.map((distance, k) => of_real[digits[k]].filter((real) => real < distance).length / of_real[digits[k]].length);
  const [count, real] = [distances.length, of_real[0].length];
  const values = {
    count, real, copies: shares.filter((share) => share < COPY).length, least: percent(Math.min(...shares)), near: number(Math.min(...distances), 1),
    suspects: shares.filter((share) => share < 1).length, chance: number(count / (real + 1), 1), mean: percent(nearer.reduce((sum, share) => sum + share, 0) / count),
  };
  return [
    values.copies ? t("%(copies)s of %(count)s samples may be copies: their distance is less than half the smallest distance of %(real)s real test images of that digit. Compare them by eye.", values)
      : t("None of the %(count)s samples is a copy, pixel by pixel: a copy would have a distance near 0, and the smallest here is %(near)s. Real test images, which no network was trained on, show what is usual: every sample's distance is at least %(least)s of the smallest one of %(real)s real images of its digit.", values),
    t("Samples that are nearer to a training image than all real images of their digit: %(suspects)s of %(count)s. Of %(count)s real images one would expect about %(chance)s.", values),
    values.suspects ? t("They stand first, in a frame: compare by eye.") : "",
    t("On average, %(mean)s of the real images of a digit are nearer to a training image than the sample is. If samples were as far away as real images, it would be 50%.", values),
  ].filter(Boolean).join(" ");
}

/**
 * @param {import("./models.js").Copies} copies
 * @param {() => Promise<import("./source.js").Sample[]>} samples those of the seed that was compared
 */
export function copying({ distance, images, of_real, seed }, samples) {
  const bytes = bytesOf(images);
  const pairs = el("div", { class: "pairs" });
  const said = el("p", { class: "sentence", role: "status" });

  async function compare() {
    ask.disabled = true;
    said.textContent = t("A moment, please.");
    const made = await samples();
    const digits = made.map(({ digit }) => digit);
    const shares = byReal(distance, digits, of_real);
    const order = made.map((_, k) => k).sort((a, b) => shares[a] - shares[b]);
    pairs.replaceChildren(...order.map((k) => {
      const [sample, nearest] = [el("canvas", {}), el("canvas", {})];
      drawImage(sample, made[k].image);
      drawImage(nearest, Array.from(bytes.subarray(k * POINTS, (k + 1) * POINTS), (byte) => byte / 255));
      return el("figure", { class: shares[k] < 1 ? "suspect" : "" }, sample, nearest, el("small", {}, number(distance[k], 1)));
    }));
    said.textContent = copiesSaid(distance, digits, of_real);
  }

  const ask = button(t("Does it copy?"), () => void compare());
  return el("section", { class: "copies", "aria-label": t("Does it copy?") },
    el("h2", {}, t("Does the generator copy its training images?")), ask, said, pairs,
    el("p", { class: "legend" }, t("Left each of the first 25 samples of seed %(seed)s, right the nearest of all 60,000 training images, below their distance. First stand those that are nearest, measured by real images of the digit. The distances were computed when this page was made.", { seed })));
}
