/** Where a generator stands: what the classifier measures of it, beside others and real images. */

import { button, drawImage, el, number, percent, t } from "./dom.js";

const NUM_DRAWS = 5;

/** @typedef {{mean: number, sd: number | null}} Spread over the draws */
/**
 * @typedef {{
 *   num_images: number, columns: {
 *     frechet_distance: Spread, share_unsure: Spread, recall: Spread, class_shares: Spread[],
 *   }[],
 * }} Measured in each draw so many; the last column is of real images
 */

/**
 * @param {{name: string, samples: () => Promise<Float32Array[]>}[]} all the generators
 * @param {(draws: number) => Promise<Measured>} measure after so many draws
 */
export function standing(all, measure) {
  const message = el("p", { class: "message quiet", role: "status" });
  const table = el("table", {});
  const scroll = el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("Where it stands"), hidden: true }, table);
  const explained = el("p", { class: "task" });
  const sheets = all.map(({ name }) => {
    const tiles = Array.from({ length: 25 }, () => el("canvas", { class: "seen", width: 28, height: 28 }));
    return { tiles, view: el("figure", {}, el("figcaption", {}, el("b", {}, name)), el("div", { class: "tiles" }, ...tiles)) };
  });
  const start = button(t("Measure"), () => void run(), { class: "primary" });

  /** One draw of each after the other: the table is filled from the first on. */
  async function run() {
    start.disabled = true;
    const began = performance.now();
    message.textContent = t("A moment, please.");
    try {
      for (let draws = 1; draws <= NUM_DRAWS && view.isConnected; draws++) {
        fill(await measure(draws), draws);
        const left = ((performance.now() - began) / draws) * (NUM_DRAWS - draws) / 1000;
        message.textContent = left ? t("Draw %(draw)s of %(draws)s; about %(seconds)s s left.", { draw: draws, draws: NUM_DRAWS, seconds: number(Math.ceil(left)) }) : "";
      }
      start.hidden = true;
    } catch (error) {
      message.textContent = /** @type {Error} */ (error).message;
    }
    start.disabled = false;
  }

  /**
   * @param {Measured} measured
   * @param {number} draws
   */
  function fill({ num_images, columns }, draws) {
    const said = (/** @type {Spread} */ { mean, sd }, /** @type {(value: number) => string} */ write) =>
      (sd === null ? write(mean) : `${write(mean)} ± ${write(sd)}`);
    const share = (/** @type {number} */ value) => `${number(100 * value, 1)}%`;
    /** @type {[string, (column: Measured["columns"][number]) => string][]} */
    const rows = [
      [t("Fréchet distance"), ({ frechet_distance }) => said(frechet_distance, (value) => number(value, 1))],
      [t("not clearly one digit"), ({ share_unsure }) => said(share_unsure, share)],
      [t("recall"), ({ recall }) => said(recall, share)],
      ...Array.from({ length: 10 }, (_, digit) => /** @type {typeof rows[number]} */ ([
        t("share of the digit %(digit)s", { digit }), ({ class_shares }) => said(class_shares[digit], share)])),
    ];
    const heads = ["", ...all.map(({ name }) => name), t("real images")];
    table.replaceChildren(
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map(([title, write]) => el("tr", {}, el("th", { scope: "row" }, title), ...columns.map((column) => el("td", {}, write(column)))))));
    scroll.hidden = false;
    explained.textContent = [
      draws > 1
        ? t("Each number is the mean of %(draws)s draws of %(images)s images ± their standard deviation.", { draws, images: number(num_images) })
        : t("Each number is of one draw of %(images)s images; the error bars come with the next.", { images: number(num_images) }),
      t("The toolkit's classifier measures them against the 10,000 test images of MNIST; the real images are training images. With so few images the distances are larger than those of `toolkit train score`: compare them only with each other."),
      t("Recall: the share of the test images that lie within reach of a picture. A picture reaches as far as its fifth nearest picture."),
    ].join(" ");
  }

  const view = el("div", { class: "standing" },
    el("p", { class: "question" }, t("How near do its pictures come to real ones, and are all digits there?")),
    el("div", { class: "curves" }, ...sheets.map((sheet) => sheet.view)),
    el("div", { class: "buttons" }, start, message), scroll, explained);
  let isDrawn = false;
  return {
    view,
    async show() {
      if (isDrawn) return;
      isDrawn = true;
      try {
        for (const [k, { samples }] of all.entries()) {
          (await samples()).forEach((image, at) => drawImage(sheets[k].tiles[at], image));
        }
      } catch (error) {
        message.textContent = /** @type {Error} */ (error).message;
      }
    },
  };
}
