/** The training of the GAN, step by step: 25 pictures, and what the discriminator says. */

import { colour, el, number, prepare, t } from "./dom.js";
import { player } from "./player.js";
import { fromHalf } from "./tensors.js";

const BINS = 32;

/** @param {import("./models.js").Film} film */
export function training(film) {
  const asked = film.num_asked;
  const [real, drawn] = [film.real_logits, film.drawn_logits].map((logits) => fromHalf(logits));
  const logits = [...real, ...drawn].sort((a, b) => a - b);
  const quantile = (/** @type {number} */ share) => logits[Math.round(share * (logits.length - 1))];
  const [low, high] = [Math.min(-1, quantile(0.005)), Math.max(1, quantile(0.995))];
  const pictures = new Image();
  pictures.src = `data:image/png;base64,${film.png}`;
  pictures.onload = () => show(frame);

  let frame = film.steps.length - 1;
  const side = Math.ceil(Math.sqrt(film.num_tiles));
  const sheet = el("canvas", { class: "sheet", width: 28 * side, height: 28 * side, role: "img" });
  const histogram = el("canvas", { class: "chart", role: "img" });
  const curve = el("canvas", { class: "chart", role: "img", "aria-label": t("AUC over the steps") });
  const facts = el("dl", { class: "figures" });
  const sentence = el("p", { class: "sentence", role: "status" });
  const scrubber = player(t("Step of the training"), film.steps.length, (chosen) => show(chosen));

  /** @param {number} chosen */
  function show(chosen) {
    frame = chosen;
    const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    for (let k = 0; k < film.num_tiles; k++) {
      context.drawImage(pictures, 28 * k, 28 * frame, 28, 28, 28 * (k % side), 28 * Math.floor(k / side), 28, 28);
    }
    const values = {
      step: number(film.steps[frame]), auc: number(film.auc[frame], 2),
      loss_d: number(film.loss_d[frame], 2), loss_g: number(film.loss_g[frame], 2),
    };
    sheet.setAttribute("aria-label", t("The pictures after step %(step)s", values));
    scrubber.slider.setAttribute("aria-valuetext", t("step %(step)s, AUC %(auc)s", values));
    facts.replaceChildren(
      ...[[t("step"), values.step], ["AUC", values.auc], [t("loss of D"), values.loss_d], [t("loss of G"), values.loss_g]]
        .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
    const auc = film.auc[frame];
    sentence.textContent =
      frame === 0 ? t("Before the training both networks are random: the discriminator guesses.")
      : auc > 0.95 ? t("The discriminator tells nearly every drawn image from a real one.")
      : auc > 0.8 ? t("The discriminator is often right, but the two heaps begin to meet.")
      : t("The heaps lie over each other: it can hardly tell drawn from real.");
    drawHistogram();
    drawCurve();
  }

  /**
   * @param {Float32Array} all
   * @returns {number[]}
   */
  function count(all) {
    const bins = new Array(BINS).fill(0);
    for (const logit of all.subarray(frame * asked, (frame + 1) * asked)) {
      const share = (logit - low) / (high - low);
      bins[Math.min(BINS - 1, Math.max(0, Math.floor(BINS * share)))]++;
    }
    return bins;
  }

  function drawHistogram() {
    const [width, height] = [histogram.clientWidth || 400, 190];
    const context = prepare(histogram, width, height);
    const bins = [count(real), count(drawn)];
    const most = Math.max(...bins[0], ...bins[1]);
    const cell = width / BINS;
    const half = (height - 22) / 2;
    bins.forEach((counts, which) => {
      context.fillStyle = colour(which ? "line-f" : "line-c");
      counts.forEach((value, k) => {
        const tall = (value / most) * (half - 2);
        context.fillRect(k * cell + 0.5, which ? half + 1 : half - tall, cell - 1, tall);
      });
    });
    const zero = ((0 - low) / (high - low)) * width;
    context.strokeStyle = context.fillStyle = colour("muted");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(zero, 0);
    context.lineTo(zero, height - 18);
    context.stroke();
    context.fillText("0", zero, height - 8);
    context.textAlign = "left";
    context.fillText(number(low, 1), 2, height - 8);
    context.textAlign = "right";
    context.fillText(number(high, 1), width - 2, height - 8);
    histogram.setAttribute("aria-label", t("Logits of real images above, of drawn ones below; AUC %(auc)s", { auc: number(film.auc[frame], 2) }));
  }

  function drawCurve() {
    const [width, height] = [curve.clientWidth || 400, 90];
    const context = prepare(curve, width, height);
    const x = (/** @type {number} */ k) => 8 + ((width - 16) * k) / (film.steps.length - 1);
    const y = (/** @type {number} */ auc) => height - 6 - (height - 12) * auc;
    context.strokeStyle = colour("line");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, y(0.5));
    context.lineTo(width, y(0.5));
    context.stroke();
    context.setLineDash([]);
    context.strokeStyle = colour("line-c");
    context.lineWidth = 2;
    context.beginPath();
    film.auc.forEach((auc, k) => context.lineTo(x(k), y(auc)));
    context.stroke();
    context.fillStyle = colour("cursor");
    context.beginPath();
    context.arc(x(frame), y(film.auc[frame]), 5, 0, 7);
    context.fill();
  }

  const view = el("div", {},
    el("p", { class: "task" }, t("The same 25 points z at %(frames)s steps of the training, each step a constant factor after the one before. Beside them, what the discriminator of that moment said of %(asked)s real images and of %(asked)s drawn ones.", { frames: film.steps.length, asked })),
    scrubber.view,
    el("div", { class: "film" },
      el("div", {}, sheet),
      el("div", {}, facts, sentence,
        el("p", { class: "legend" }, el("span", { class: "line-c" }, t("logits of real images, upwards")), el("span", { class: "line-f" }, t("of drawn ones, downwards; above 0 means real"))),
        histogram,
        el("p", { class: "legend" }, el("span", { class: "line-c" }, t("AUC: how often a real image has the higher logit of a pair; 0.5 is a guess"))),
        curve)));
  return { view, show: () => scrubber.go(frame) };
}
