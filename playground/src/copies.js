/** Does the generator copy? Its first samples beside the nearest of all training images. */

import { button, drawImage, el, number, percent, t } from "./dom.js";
import { bytesOf } from "./tensors.js";

const POINTS = 784; // of an image

/**
 * How near the samples are to their training images, and how near real test images are to theirs.
 * @param {number[]} distances
 * @param {number[]} digits what the classifier sees in each sample
 * @param {number[][]} of_real distances of real test images of each digit
 */
export function copiesSaid(distances, digits, of_real) {
  const nearer = distances.map((distance, k) => of_real[digits[k]].filter((real) => real < distance).length / of_real[digits[k]].length);
  const suspects = nearer.filter((share) => share === 0).length;
  const values = { count: distances.length, suspects, mean: percent(nearer.reduce((sum, share) => sum + share, 0) / nearer.length), real: of_real[0].length };
  return [
    t("A copy would lie nearer to its training image than real images lie to theirs.", values),
    t("For comparison stand %(real)s real test images of each digit, which nobody trained on: on average %(mean)s of them lie nearer to their training image than the sample does.", values),
    suspects === 0 ? t("None of the %(count)s samples is nearer than all real ones: no sign of a copy.", values)
      : suspects === 1 ? t("One of the %(count)s samples is nearer than all real ones: it may be a copy. Compare the two.", values)
      : t("%(suspects)s of the %(count)s samples are nearer than all real ones: they may be copies. Compare them.", values),
  ].join(" ");
}

/**
 * @param {import("./models.js").Copies} copies
 * @param {() => Promise<import("./source.js").Sample[]>} samples those of the seed that was compared
 */
export function copying({ distance, images, of_real, seed }, samples) {
  const bytes = bytesOf(images);
  const pairs = el("div", { class: "pairs" });
  const said = el("p", { class: "sentence", role: "status" });
  const result = el("div", { hidden: true }, said, pairs);

  async function compare() {
    ask.disabled = true;
    result.hidden = false;
    said.textContent = t("A moment, please.");
    const made = await samples();
    pairs.replaceChildren(...made.map(({ image }, k) => {
      const [sample, nearest] = [el("canvas", {}), el("canvas", {})];
      drawImage(sample, image);
      drawImage(nearest, Array.from(bytes.subarray(k * POINTS, (k + 1) * POINTS), (byte) => byte / 255));
      return el("figure", {}, sample, nearest, el("small", {}, number(distance[k], 1)));
    }));
    said.textContent = copiesSaid(distance, made.map(({ digit }) => digit), of_real);
  }

  const ask = button(t("Does it copy?"), () => void compare());
  return el("section", { class: "copies", "aria-label": t("Does it copy?") },
    el("h2", {}, t("Does the generator copy its training images?")), ask, result,
    el("p", { class: "legend" }, t("Left each of the first 25 samples of seed %(seed)s, right the nearest of all 60,000 training images, below their distance. It was computed when this page was made.", { seed })));
}
