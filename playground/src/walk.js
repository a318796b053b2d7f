/**
 * A walk from A to B through z. Beside it what does not work: the same z early in the training, and
 * the pixels of A and B mixed.
 */

import { button, colour, drawImage, el, font, labelled, number, percent, prepare, saveAs, select, t } from "./dom.js";
import { inRow, toGif } from "./gif.js";
import { isStill, player } from "./player.js";
import { sheet } from "./source.js";
import { defined } from "./words.js";

/** @typedef {import("./source.js").Sample} Sample */
/** @typedef {import("./source.js").Picture} Picture */

const NUM_PICTURES = 17;
const FRAME = 120; // milliseconds of each picture
const SCAN = 65; // places where the classifier is asked in search of the change
const SCALE = 12; // of the saved film: each picture has 336 x 336 points
const UNSURE = 0.8; // below this probability the classifier sees no digit clearly

/**
 * The weights of A and B at a share of the way.
 * @param {boolean} isArc turn the direction and change the length evenly, as nearly all z have a
 *   length near sqrt(latent_dim); Shoemake, "Animating Rotation with Quaternion Curves" (1985),
 *   section 3.3. Otherwise straight
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @returns {(share: number) => number[]}
 */
export function path(isArc, a, b) {
  const dot = (/** @type {Float32Array} */ x, /** @type {Float32Array} */ y) => x.reduce((sum, value, j) => sum + value * y[j], 0);
  const [length_a, length_b] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))];
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / (length_a * length_b))));
  if (!isArc || !(Math.sin(angle) > 1e-6)) return (share) => [1 - share, share];
  return (share) => {
    const length = length_a + share * (length_b - length_a);
    return [
      (length * Math.sin((1 - share) * angle)) / (Math.sin(angle) * length_a),
      (length * Math.sin(share * angle)) / (Math.sin(angle) * length_b),
    ];
  };
}

/**
 * Where the first digit has gone and the last one has come, as a share of the way.
 * @param {number[]} digits that the classifier sees at even steps
 */
export function changeOf(digits) {
  const last = digits.length - 1;
  const left = digits.findIndex((digit) => digit !== digits[0]);
  const arrived = last - [...digits].reverse().findIndex((digit) => digit !== digits[last]);
  return left < 0 ? 0.5 : (left + arrived) / 2 / last;
}

/**
 * Where a sequence of digits changes: [digit, last index at which it is seen], ...
 * @param {number[]} digits
 */
export const runs = (digits) =>
  digits.flatMap((digit, k) => (digit === digits[k + 1] ? [] : [[digit, k]]));

/**
 * Where the classifier sees another digit, and how often none.
 * @param {{digit: number, share: number}[][]} lines of the pictures through z, and of mixed pixels
 * @param {boolean} isSpread
 */
export function walkSaid(lines, isSpread) {
  const [z, mixed] = lines.map((line) => line.filter(({ share }) => share < UNSURE).length);
  const pictures = lines[0].length;
  const parts = runs(lines[0].map(({ digit }) => digit));
  const said = parts.map(([digit, last], k) =>
    k === parts.length - 1 ? String(digit) : t("%(digit)s up to picture %(last)s", { digit, last: last + 1 }));
  const sees = parts.length > 1
    ? t("Along the way the classifier sees %(list)s.", { list: said.join(t(", then ")) })
    : t("The classifier sees %(digit)s all the way.", { digit: said[0] });
  const unsure = t("Pictures without a clear digit, of %(pictures)s: %(z)s through z, %(mixed)s with pixels mixed.", { pictures, z, mixed });
  const seen = z < pictures ? `${sees} ${unsure}` : unsure;
  const all = z < mixed ? seen : `${seen} ${t("On this walk z is no better than mixed pixels.")}`;
  return isSpread ? `${all} ${t("The steps are spread so that the change comes in the middle of the film.")}` : all;
}

/**
 * @param {import("./source.js").Source} source
 * @param {{picture: number, isArc: boolean}} state
 * @param {(isStep?: boolean) => void} changed
 * @param {(picture: Picture | null, z: number[]) => void} near shows the picture through z
 */
export function walking(source, state, changed, near) {
  /**
   * Pictures of each way, in the order of `ways`.
   * @type {{lines: Picture[][], zs: number[][], isSpread: boolean} | null}
   */
  let walk = null;
  let job = 0;
  /** @type {[Sample[], boolean] | null} */
  let asked = null;
  let name = "walk";

  const ways = [
    { colour: "line-c", title: t("through z") },
    { colour: "line-f", title: t("pixels mixed") },
    ...(source.early ? [{ colour: "line-h", title: t("z, early in training") }] : []),
  ].map((way) => {
    const canvas = el("canvas", { class: "big", width: 28, height: 28, role: "img" });
    const said = el("p", { class: "said" });
    const title = el("figcaption", { class: way.colour }, way.title);
    return { ...way, canvas, said, heading: title, view: el("figure", {}, title, canvas, said) };
  });
  const chart = el("canvas", { class: "chart", role: "img" });
  const sentence = el("p", { class: "caption", role: "status" });
  const message = el("p", { class: "message", role: "alert" });
  const film = player(t("Place on the walk from A to B"), NUM_PICTURES, show, FRAME, true);
  const saves = [
    button(t("Save film (GIF)"), () => save("gif")),
    button(t("Save nine pictures (PNG)"), () => save("strip")),
  ];

  /** What was walked is gone. */
  function clear() {
    job++;
    walk = asked = null;
    film.pause();
    film.slider.disabled = true;
    for (const save of saves) save.disabled = true;
    for (const { canvas, said } of ways) {
      drawImage(canvas, new Float32Array(784));
      canvas.setAttribute("aria-label", t("nothing yet"));
      said.textContent = "";
    }
    sentence.textContent = message.textContent = "";
    near(null, []);
    drawChart();
  }

  /**
   * @param {Sample[]} ends A and B
   * @param {boolean} isSpread whether the steps are spread so that the class changes in the middle
   * @param {"play" | "stay"} how
   */
  async function go(ends, isSpread, how) {
    clear();
    const mine = job;
    asked = [ends, isSpread];
    sentence.textContent = t("A moment, please.");
    try {
      const corners = ends.map(({ z }) => z);
      const weights = path(state.isArc, corners[0], corners[1]);
      const even = (/** @type {number} */ count) => Array.from({ length: count }, (_, k) => k / (count - 1));
      let shares = even(NUM_PICTURES);
      if (isSpread) {
        const middle = changeOf(await source.name(corners, even(SCAN).map(weights)));
        shares = shares.map((x) => (x < 0.5 ? 2 * x * middle : middle + (2 * x - 1) * (1 - middle)));
      }
      const mixes = even(NUM_PICTURES).map((x) =>
        ends[0].image.map((value, j) => value + x * (ends[1].image[j] - value)));
      const points = shares.map(weights);
      const [drawn, judged, early] = await Promise.all([
        source.draw(corners, points), source.judge(mixes), source.early?.(corners, points)]);
      if (mine !== job) return;
      const mixed = judged.map((verdict, k) => ({ ...verdict, image: mixes[k] }));
      const zs = points.map(([a, b]) => Array.from(corners[0], (value, j) => a * value + b * corners[1][j]));
      walk = { lines: [drawn, mixed], zs, isSpread };
      if (early) {
        walk.lines.push(early.pictures);
        ways[2].heading.textContent = t("z, at step %(step)s", { step: number(early.step) });
      }
    } catch (error) {
      if (mine === job) [message.textContent, sentence.textContent] = [/** @type {Error} */ (error).message, ""];
      return;
    }
    film.slider.disabled = false;
    for (const save of saves) save.disabled = false;
    sentence.textContent = source.canName ? walkSaid(walk.lines, walk.isSpread) : "";
    const plays = how === "play" && !isStill();
    film.go(how === "stay" ? state.picture : plays ? 0 : (NUM_PICTURES - 1) / 2);
    if (plays) film.play();
  }

  /** @param {Picture} one */
  const verdict = (one) => (source.canName ? t("%(digit)s (%(share)s)", { digit: one.digit, share: percent(one.share) }) : "");

  /** @param {number} frame */
  function show(frame) {
    if (!walk) return;
    state.picture = frame;
    walk.lines.forEach((line, k) => {
      const one = line[frame];
      const { canvas, said } = ways[k];
      drawImage(canvas, one.image);
      said.className = one.share < UNSURE ? "said bad" : "said";
      said.textContent = [
        !source.canName ? "" : one.share < UNSURE ? t("no clear digit, %(verdict)s?", { verdict: verdict(one) }) : verdict(one),
        source.canJudge ? t("D: %(logit)s", { logit: number(one.logit, 1) }) : "",
      ].filter(Boolean).join("\n");
      canvas.setAttribute("aria-label", said.textContent);
    });
    film.slider.setAttribute("aria-valuetext", t("picture %(number)s: %(verdict)s", { number: frame + 1, verdict: verdict(walk.lines[0][frame]) }));
    drawChart();
    near(walk.lines[0][frame], walk.zs[frame]);
    if (!film.isPlaying()) changed(); // browsers refuse to change an address too often
  }

  /** How sure the classifier is along each way, and below it of which digit. */
  function drawChart() {
    const line = 1.4 * parseFloat(font());
    const rows = line * ways.length;
    const [width, height] = [chart.clientWidth || 380, Math.round(74 + rows)];
    const context = prepare(chart, width, source.canName ? height : 0);
    chart.setAttribute("aria-label", t("nothing yet"));
    if (!walk || !source.canName) return;
    const cell = width / NUM_PICTURES;
    const x = (/** @type {number} */ k) => (k + 0.5) * cell;
    const y = (/** @type {number} */ share) => 6 + (1 - share) * (height - rows - 12);
    context.fillStyle = colour("line");
    context.fillRect(x(state.picture) - cell / 2, 0, cell, height);
    context.strokeStyle = colour("muted");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, y(UNSURE));
    context.lineTo(width, y(UNSURE));
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 2;
    walk.lines.forEach((pictures, k) => {
      context.strokeStyle = colour(ways[k].colour);
      context.beginPath();
      pictures.forEach(({ share }, at) => context.lineTo(x(at), y(share)));
      context.stroke();
      pictures.forEach((one, at) => {
        context.fillStyle = colour(one.share < UNSURE ? "bad" : ways[k].colour);
        context.fillText(one.share < UNSURE ? "?" : String(one.digit), x(at), height - rows + line * (k + 0.45));
      });
    });
    chart.setAttribute("aria-label", walk.lines.map((line, k) => t("%(which)s: %(list)s", {
      which: ways[k].title,
      list: line.map((one) => (one.share < UNSURE ? "?" : one.digit)).join(" "),
    })).join(t("; ")));
  }

  /** @param {"gif" | "strip"} what */
  async function save(what) {
    if (!walk) return;
    const [drawn, mixed] = walk.lines.map((line) => line.map(({ image }) => image));
    if (what === "strip") return saveAs(`${name}.png`, await sheet(drawn.filter((_, k) => k % 2 === 0), 9));
    const pictures = drawn.map((image, k) => inRow([image, mixed[k]], SCALE));
    saveAs(`${name}.gif`, new Blob([toGif([...pictures, ...pictures.slice(1, -1).reverse()], FRAME)], { type: "image/gif" }));
  }

  const paths = select([["straight", t("straight")], ["arc", t("on an arc around 0")]], state.isArc ? "arc" : "straight", (value) => {
    state.isArc = value === "arc";
    changed(true);
    if (asked) go(...asked, "stay");
  });
  const controls = el("div", { class: "controls" }, labelled(t("Way"), paths), el("div", { class: "buttons" }, ...saves));
  const view = el("div", {},
    el("h2", {}, t("The walk from A to B")),
    el("div", { class: "ways" }, ...ways.map((way) => way.view)),
    film.view, message, chart, sentence, controls,
    el("p", { class: "legend" },
      source.canName ? t("The curves: how sure the classifier is along each way. Below them: of which digit, and ? where it is less than 80% sure (dashes).") : "", " ",
      ...(source.canJudge ? defined(t("D: the discriminator's {logit|logit}; above 0 it says real. It never saw mixed pixels in its training, so its logit of them says little.")) : [])),
);
  clear();
  return { view, go, clear, show: drawChart, controls, named: (/** @type {string} */ to) => { name = to; } };
}
