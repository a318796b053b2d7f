/**
 * A closer look at one picture of the generator: what the discriminator would change in it, and the
 * training image that is nearest to it.
 */

import { COPY } from "./copies.js";
import { button, drawImage, el, number, percent, t } from "./dom.js";
import { newest } from "./source.js";

/** @typedef {import("./source.js").Picture} Picture */

const NUDGE = 0.05; // of the way from paper to ink: so little is hardly seen
const STRONG = 0.98; // share of the points whose slope is below that of a full colour
/** On the pictures, which are black in the dark and in the light. */
const MORE = [140, 195, 255];
const LESS = [255, 160, 90];

/**
 * @param {Float32Array} image
 * @param {Float32Array} slopes
 */
export const nudged = (image, slopes) =>
  image.map((value, k) => Math.min(1, Math.max(0, value + NUDGE * Math.sign(slopes[k]))));

/**
 * What D's slopes say, measured.
 * @param {{digit: number, share: number, logit: number}} before
 * @param {{digit: number, share: number, logit: number}} after
 */
export function nudgeSaid(before, after) {
  const values = { before: number(before.logit, 2), after: number(after.logit, 2), nudge: percent(NUDGE), digit: after.digit, was: before.digit };
  const moved = after.logit > 0 && before.logit <= 0
    ? t("If every point moves by at most %(nudge)s in the direction that D likes, D's logit goes from %(before)s to %(after)s: generated becomes real.", values)
    : t("If every point moves by at most %(nudge)s in the direction that D likes, D's logit goes from %(before)s to %(after)s.", values);
  return `${moved} ${after.digit < 0 ? "" : after.digit === before.digit ? t("The classifier still sees %(digit)s.", values) : t("The classifier saw %(was)s before and sees %(digit)s now.", values)}`.trim();
}

/**
 * Whether a picture is a copy, judged by real images that were not trained on.
 * @param {number} distance to the nearest training image
 * @param {number[]} of_real the same of real test images of its class
 * @param {number} digit
 */
export function nearestSaid(distance, of_real, digit) {
  const nearer = of_real.filter((one) => one < distance).length;
  const sorted = [...of_real].sort((a, b) => a - b);
  const values = {
    distance: number(distance, 1), digit, nearer, count: of_real.length,
    least: number(sorted[0], 1), middle: number(sorted[Math.floor(sorted.length / 2)], 1),
  };
  return `${t("Distance %(distance)s. Real test images of the digit %(digit)s lie at %(least)s or more from their nearest training image, half of them at %(middle)s or more.", values)} ${nearer
    ? t("%(nearer)s of %(count)s real images are nearer to theirs than this picture is: no sign of a copy.", values)
    : distance < COPY * sorted[0] ? t("Real images are at least twice as far from theirs: this picture may be a copy. Compare the two.")
    : t("None of %(count)s real images is nearer to its own, but a copy would lie at a distance near 0. Compare the two.", values)}`;
}

/** @param {import("./source.js").Source} source */
export function closer(source) {
  const canvas = () => el("canvas", { class: "big", width: 28, height: 28, role: "img" });
  const changes = { canvas: canvas(), said: el("p", { class: "said" }) };
  const copied = { canvas: canvas(), said: el("p", { class: "said", role: "status" }) };
  const message = el("p", { class: "message", role: "alert" });
  /** @type {Picture | null} */
  let shown = null;
  let searches = false;
  const refuse = (/** @type {Error} */ error) => { message.textContent = error.message; };

  const look = newest(async (/** @type {Picture} */ picture) => {
    const slopes = await source.slopes(picture.image);
    const [after] = await source.judge([nudged(picture.image, slopes)]);
    return { slopes, after };
  }, ({ slopes, after }, picture) => {
    if (picture !== shown) return;
    message.textContent = "";
    drawImage(changes.canvas, picture.image);
    overlay(changes.canvas, picture.image, slopes);
    changes.said.textContent = nudgeSaid(picture, after);
    changes.canvas.setAttribute("aria-label", t("What D would change: %(said)s", { said: changes.said.textContent }));
  }, refuse);

  const search = newest(async (/** @type {Picture} */ picture) =>
    /** @type {NonNullable<typeof source.nearest>} */ (source.nearest)(picture.image, picture.digit), (found, picture) => {
    if (picture !== shown) return;
    drawImage(copied.canvas, found.image);
    copied.said.textContent = nearestSaid(found.distance, found.of_real, picture.digit);
    copied.canvas.setAttribute("aria-label", t("The nearest training image"));
  }, refuse);

  /** @param {Picture | null} picture */
  function show(picture) {
    shown = picture;
    for (const { canvas: seen, said } of [changes, copied]) {
      if (picture && said.textContent) continue; // until the answer is there
      drawImage(seen, new Float32Array(784));
      seen.setAttribute("aria-label", t("nothing yet"));
    }
    if (!picture) changes.said.textContent = copied.said.textContent = message.textContent = "";
    else {
      look(picture);
      if (searches) search(picture);
    }
  }

  const ask = button(t("Does it copy?"), () => {
    searches = true;
    ask.hidden = true;
    copied.canvas.hidden = false;
    copied.said.textContent = t("A moment, please.");
    if (shown) search(shown);
  });
  copied.canvas.hidden = true;
  const view = el("div", {},
    el("h2", {}, t("A closer look at the picture through z")),
    el("div", { class: "pair" },
      el("figure", {}, el("figcaption", {}, t("what D would change")), changes.canvas, changes.said),
      ...(source.nearest ? [el("figure", {}, el("figcaption", {}, t("nearest training image")), el("div", {}, ask, copied.canvas), copied.said)] : [])),
    el("p", { class: "legend" }, el("span", { class: "more" }, t("D's logit grows with more ink here")), el("span", { class: "less" }, t("with less ink here"))),
    message);
  show(null);
  return { view: source.canJudge ? view : "", show };
}

/**
 * @param {HTMLCanvasElement} canvas with the image
 * @param {Float32Array} image
 * @param {Float32Array} slopes
 */
function overlay(canvas, image, slopes) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(28, 28);
  const strong = slopes.map(Math.abs).sort()[Math.floor(STRONG * slopes.length)] || 1;
  slopes.forEach((slope, k) => {
    const share = Math.min(1, Math.abs(slope) / strong);
    const ink = slope > 0 ? MORE : LESS;
    picture.data.set([...ink.map((value) => Math.round(255 * image[k] * (1 - share) + value * share)), 255], 4 * k);
  });
  context.putImageData(picture, 0, 0);
}
