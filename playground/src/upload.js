/** Your own picture of a digit, judged by the classifier and the discriminator. */

import { drawImage, el, labelled, number, percent, t } from "./dom.js";
import { pictureOf } from "./file.js";

/** @typedef {{image: Float32Array, shares: number[], logit: number}} Judged */

/**
 * @param {(picture: string) => Promise<Judged>} judge takes a picture file, in base64
 */
export function upload(judge) {
  const message = el("p", { class: "message", role: "alert" });
  const result = el("div", { class: "uploaded", hidden: true });
  let job = 0;
  const file = el("input", { type: "file", accept: "image/*", onchange: () => { if (file.files?.[0]) look(file.files[0]); } });

  /** @param {File} chosen */
  async function look(chosen) {
    const mine = ++job;
    result.hidden = true;
    message.textContent = t("A moment, please.");
    try {
      const judged = await judge(await pictureOf(chosen));
      if (mine !== job) return;
      message.textContent = "";
      show(judged, chosen.name);
    } catch (error) {
      if (mine === job) message.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** @param {Judged} judged @param {string} name */
  function show({ image, shares, logit }, name) {
    const canvas = el("canvas", { class: "given", role: "img", "aria-label": t("The uploaded picture in 28 × 28 points") });
    drawImage(canvas, image);
    const best = shares.indexOf(Math.max(...shares));
    const bars = shares.map((share, digit) => {
      const bar = el("span", { class: "bar" });
      bar.style.width = `${100 * share}%`;
      return el("div", { class: digit === best ? "row best" : "row" }, el("b", {}, String(digit)), el("div", { class: "track" }, bar), el("span", { class: "share" }, percent(share)));
    });
    const values = { logit: number(logit, 1), digit: best, share: percent(shares[best]) };
    result.replaceChildren(
      el("figure", {}, canvas, el("figcaption", {}, t("uploaded: %(name)s", { name }))),
      el("div", {},
        el("p", { class: "sentence", role: "status" }, t("The classifier says %(digit)s and is %(share)s sure.", values), " ",
          t("The discriminator's logit is %(logit)s; above 0 means real.", values), " ",
          t("It has only ever seen images of MNIST and of the generator: its logit of anything else says little.")),
        el("div", { class: "bars" }, ...bars)));
    result.hidden = false;
  }

  const view = el("div", {},
    el("p", { class: "task" }, t("Upload a picture of one digit, dark on light or light on dark. The page cuts the digit out, scales it and centres it, as MNIST's digits were. The classifier says which digit it is, and the discriminator gives it a logit. The picture is kept nowhere.")),
    labelled(t("A picture with one digit"), file), message, result);
  return { view, show: () => {} };
}
