/** A training, recorded: pictures, logits and losses at some of its steps, and how to draw them. */

import { colour, number, prepare, t } from "./dom.js";
import { fromHalf } from "./tensors.js";

const BINS = 32;

/**
 * @typedef {{
 *   steps: number[], auc: number[], loss_d: number[], loss_g: number[],
 *   real: Float32Array, drawn: Float32Array, num_asked: number, num_tiles: number, loss?: string,
 *   digits?: number[][], low: number, high: number, tiles: HTMLImageElement, reals: HTMLImageElement | null,
 * }} Reel
 *   real, drawn: the discriminator's logits (frames * num_asked); nearly all are in low..high
 *   tiles: one row for each frame; reals: one row of real digits, of which the first logits are
 */

/** @param {string} png */
async function decoded(png) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  return image;
}

/**
 * @param {import("./models.js").Film} film
 * @returns {Promise<Reel>}
 */
export async function openFilm(film) {
  const [real, drawn] = [film.real_logits, film.drawn_logits].map((logits) => fromHalf(logits));
  const logits = [...real, ...drawn].sort((a, b) => a - b);
  const quantile = (/** @type {number} */ share) => logits[Math.round(share * (logits.length - 1))];
  return {
    ...film, real, drawn,
    low: Math.min(-1, quantile(0.005)), high: Math.max(1, quantile(0.995)),
    tiles: await decoded(film.png), reals: film.real_png ? await decoded(film.real_png) : null,
  };
}

/**
 * One image of a row of images.
 * @param {HTMLCanvasElement} canvas 28 x 28
 * @param {HTMLImageElement} rows
 * @param {number} column
 * @param {number} row
 * @param {number} [x]
 * @param {number} [y]
 */
export function drawTile(canvas, rows, column, row, x = 0, y = 0) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(rows, 28 * column, 28 * row, 28, 28, x, y, 28, 28);
}

/**
 * All pictures of a frame, in a square.
 * @param {HTMLCanvasElement} canvas
 * @param {Reel} reel
 * @param {number} frame
 */
export function drawSheet(canvas, reel, frame) {
  const side = Math.ceil(Math.sqrt(reel.num_tiles));
  if (canvas.width !== 28 * side) canvas.width = canvas.height = 28 * side;
  for (let k = 0; k < reel.num_tiles; k++) drawTile(canvas, reel.tiles, k, frame, 28 * (k % side), 28 * Math.floor(k / side));
  canvas.setAttribute("aria-label", t("The pictures after step %(step)s", { step: number(reel.steps[frame]) }));
}

/**
 * The logits of a frame: of real images upwards, of drawn ones downwards. Heights are square roots,
 * so that heaps that spread can be seen beside one that does not.
 * @param {HTMLCanvasElement} canvas
 * @param {Reel} reel
 * @param {number} frame
 * @param {number} height
 */
export function drawHistogram(canvas, reel, frame, height) {
  const { low, high, num_asked } = reel;
  const width = canvas.clientWidth || 400;
  const context = prepare(canvas, width, height);
  const cell = width / BINS;
  const half = (height - 22) / 2;
  [reel.real, reel.drawn].forEach((all, which) => {
    const logits = all.subarray(frame * num_asked, (frame + 1) * num_asked);
    const counts = new Array(BINS).fill(0);
    for (const logit of logits) {
      const share = (logit - low) / (high - low);
      counts[Math.min(BINS - 1, Math.max(0, Math.floor(BINS * share)))]++;
    }
    context.fillStyle = colour(which ? "line-f" : "line-c");
    counts.forEach((value, k) => {
      const tall = Math.sqrt(value / num_asked) * (half - 2);
      context.fillRect(k * cell + 0.5, which ? half + 1 : half - tall, cell - 1, tall);
    });
    const [below, above] = [logits.filter((logit) => logit < low), logits.filter((logit) => logit > high)];
    const y = which ? height - 30 : 9;
    context.textAlign = "left";
    if (below.length) context.fillText(`◂ ${below.length}`, cell + 3, y);
    context.textAlign = "right";
    if (above.length) context.fillText(`${above.length} ▸`, width - cell - 3, y);
  });
  context.textAlign = "center";
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
  canvas.setAttribute("aria-label", t("Logits of real images above, of generated ones below; AUC %(auc)s", { auc: number(reel.auc[frame], 2) }));
}

/**
 * The AUC over the frames; the dashes are a guess.
 * @param {HTMLCanvasElement} canvas
 * @param {Reel} reel
 * @param {number} frame
 * @param {number} height
 */
export function drawAuc(canvas, reel, frame, height) {
  const width = canvas.clientWidth || 400;
  const context = prepare(canvas, width, height);
  const x = (/** @type {number} */ k) => 8 + ((width - 16) * k) / (reel.steps.length - 1);
  const y = (/** @type {number} */ auc) => height - 6 - (height - 12) * auc;
  context.strokeStyle = colour("muted");
  context.setLineDash([4, 4]);
  context.beginPath();
  context.moveTo(0, y(0.5));
  context.lineTo(width, y(0.5));
  context.stroke();
  context.setLineDash([]);
  context.strokeStyle = colour("line-c");
  context.lineWidth = 2;
  context.beginPath();
  reel.auc.forEach((auc, k) => context.lineTo(x(k), y(auc)));
  context.stroke();
  context.fillStyle = colour("cursor");
  context.beginPath();
  context.arc(x(frame), y(reel.auc[frame]), 5, 0, 7);
  context.fill();
}

/**
 * How many pictures of a frame show each digit, in the classifier's eyes; the last: none clearly.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} counts
 * @param {number} height
 */
export function drawDigits(canvas, counts, height) {
  const width = canvas.clientWidth || 400;
  const context = prepare(canvas, width, height);
  const [cell, floor] = [width / counts.length, height - 16];
  const all = counts.reduce((sum, count) => sum + count, 0);
  context.textAlign = "center";
  counts.forEach((count, k) => {
    const tall = (count / all) * (floor - 4);
    context.fillStyle = colour(k < 10 ? "line-f" : "line");
    context.fillRect((k + 0.15) * cell, floor - tall, 0.7 * cell, tall);
    context.fillStyle = colour("muted");
    context.fillText(k < 10 ? String(k) : "?", (k + 0.5) * cell, height - 7);
  });
}
