/** A GAN in two dimensions that trains while one looks, and collapses when one makes it. */

import { owner } from "./address.js";
import { asks } from "./ask.js";
import { COVERED, NUM_BLOBS, RADIUS, RingGAN, SIGMA, centre, inBlobs } from "./blobs.js";
import { button, colour, el, number, percent, prepare, shade, t } from "./dom.js";
import { ganPicture } from "./gan.js";
import { sigmoid, uniformFrom } from "./tensors.js";
import { defined } from "./words.js";

const { remember, remembered } = owner("ring", ["ring", "ratio"]);

const REACH = 1.6; // of the picture, from its middle
const GRID = 40; // points of D's field in a row
const POINTS = 300; // that are drawn of each kind
const ARROWS = 60;
const ASKED = 500; // samples for the counts
const [HEAD, BARB] = [0.45, 7]; // of an arrow: half its angle, and its length in pixels
const WORK = 12; // milliseconds of training between two pictures
const MOST_STEPS = 8; // of G between two pictures, so that one sees them; at least one round
const TRAIL = 80; // pictures for which the middle of the drawn points is remembered
const COLLAPSED = 2; // blobs
const NARROW = 0.3; // of the ring's radius: all points lie together
const SECONDS = 10; // of training, until the question is answered
/** Steps of G for one of D; below 1 the other way round. */
const RATIOS = [1 / 5, 1 / 3, 1 / 2, 1, 2, 3, 5, 10];
const NATURAL = RATIOS.indexOf(1);

export function ring() {
  let seed = Number(remembered("ring")) || 1;
  let ratio = RATIOS[Number(remembered("ratio") ?? NATURAL)] ? Number(remembered("ratio") ?? NATURAL) : NATURAL;
  /** @type {RingGAN} */
  let gan;
  /** The same z at every picture, so that one sees the points move. @type {Float64Array} */
  let z;
  /** @type {Float64Array} */
  let real;
  let rounds = 0;
  let starts = 0;
  let running = false;
  /** @type {[number, number][]} */
  let trail = [];

  const canvas = el("canvas", { class: "plane", role: "img" });
  const facts = el("dl", { class: "figures" });
  const said = el("p", { class: "costs", role: "status" });
  const toggle = button("", () => (running ? stop() : go()), { class: "primary" });
  const slider = el("input", { type: "range", min: "0", max: String(RATIOS.length - 1), value: String(ratio), oninput: () => set(Number(slider.value)) });
  const label = el("span", {});
  const cure = button(t("Cure it: as many steps of D as of G (takes some half a minute)"), () => { set(NATURAL); go(); }, { hidden: true });
  const picture = ganPicture(t("real points"));

  function restart() {
    starts++;
    gan = new RingGAN(uniformFrom(seed));
    z = gan.latents(POINTS);
    real = gan.real(POINTS);
    rounds = 0;
    trail = [];
    draw();
    tour.look();
  }

  /** @param {number} chosen */
  function set(chosen) {
    ratio = chosen;
    slider.value = String(chosen);
    remember({ ratio: chosen === NATURAL ? "" : chosen });
    const value = RATIOS[ratio];
    label.textContent = value === 1 ? t("one step of G for one of D") : value > 1 ? t("%(count)s steps of G for one of D", { count: number(value) }) : t("one step of G for %(count)s of D", { count: number(1 / value) });
  }

  function stop() {
    running = false;
    toggle.textContent = t("Go on");
  }

  function go() {
    if (running) return;
    running = true;
    toggle.textContent = t("Pause");
    requestAnimationFrame(work);
  }

  function work() {
    if (!running || !view.checkVisibility()) return stop();
    const until = performance.now() + WORK;
    const most = Math.max(1, Math.floor(MOST_STEPS / Math.max(1, RATIOS[ratio])));
    for (let k = 0; k < most && performance.now() < until; k++, rounds++) gan.round(RATIOS[ratio]);
    draw();
    requestAnimationFrame(work);
  }

  /** What is so now, of fresh samples. */
  function measure() {
    const { discriminator: D, generator: G } = gan;
    const samples = G.forward(gan.latents(ASKED));
    const shares = inBlobs(samples);
    const real_of = (/** @type {Float64Array} */ points) => D.forward(points).filter((logit) => logit > 0).length / (points.length / 2);
    return {
      spread: spreadOf(samples), covered: shares.filter((share) => share >= COVERED).length, inside: shares.reduce((a, b) => a + b, 0),
      real: real_of(gan.real(ASKED)), drawn: real_of(samples),
    };
  }

  /** @param {number} k of the field @returns {[number, number]} */
  const place = (k) => [(((k % GRID) + 0.5) / GRID * 2 - 1) * REACH, (1 - (Math.floor(k / GRID) + 0.5) / GRID * 2) * REACH];

  function drawField() {
    const { discriminator: D } = gan;
    const side = canvas.clientWidth || 480;
    const context = prepare(canvas, side, side);
    const logits = D.forward(Float64Array.from({ length: 2 * GRID * GRID }, (_, k) => place(Math.floor(k / 2))[k % 2]));
    const small = document.createElement("canvas");
    small.width = small.height = GRID;
    const paper = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    const image = paper.createImageData(GRID, GRID);
    logits.forEach((logit, k) => image.data.set([...shade("signed", 0.5 + 0.7 * (sigmoid(logit) - 0.5)), 255], 4 * k));
    paper.putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, side, side);
    return { context, side };
  }

  function draw() {
    const { discriminator: D, generator: G } = gan;
    const { context, side } = drawField();
    const at = (/** @type {number} */ x, /** @type {number} */ y) => /** @type {const} */ ([(x / REACH + 1) * side / 2, (1 - y / REACH) * side / 2]);
    const [ink_real, ink_drawn, back, trace] = ["line-c", "line-f", "back", "cursor"].map(colour);
    const dot = (/** @type {Float64Array} */ points, /** @type {string} */ ink, /** @type {number} */ size) => {
      context.fillStyle = ink;
      context.strokeStyle = back;
      context.lineWidth = 1;
      for (let k = 0; k < points.length; k += 2) {
        context.beginPath();
        context.arc(...at(points[k], points[k + 1]), size, 0, 7);
        context.fill();
        context.stroke();
      }
    };
    context.lineWidth = 1.5;
    context.strokeStyle = colour("text");
    for (let blob = 0; blob < NUM_BLOBS; blob++) {
      context.beginPath();
      context.arc(...at(...centre(blob)), 3 * SIGMA / REACH * side / 2, 0, 7);
      context.stroke();
    }
    dot(real, ink_real, 2);
    const drawn = G.forward(z);
    const slopes = D.backward((D.forward(drawn), new Float64Array(POINTS).fill(1)), false);
    dot(drawn, ink_drawn, 3.2);
    context.strokeStyle = context.fillStyle = colour("text");
    context.lineWidth = 1.5;
    for (let k = 0; k < 2 * ARROWS; k += 2) {
      const [dx, dy] = [slopes[k], slopes[k + 1]];
      const length = Math.hypot(dx, dy);
      const scale = 0.16 * Math.tanh(length) / (length || 1);
      context.beginPath();
      const [from_x, from_y] = at(drawn[k], drawn[k + 1]);
      const [to_x, to_y] = at(drawn[k] + scale * dx, drawn[k + 1] + scale * dy);
      context.moveTo(from_x, from_y);
      context.lineTo(to_x, to_y);
      context.stroke();
      const way = Math.atan2(to_y - from_y, to_x - from_x);
      context.beginPath();
      context.moveTo(to_x, to_y);
      for (const turn of [HEAD, -HEAD]) context.lineTo(to_x - BARB * Math.cos(way + turn), to_y - BARB * Math.sin(way + turn));
      context.fill();
    }
    let [x, y] = [0, 0];
    for (let k = 0; k < drawn.length; k += 2) [x, y] = [x + drawn[k] / POINTS, y + drawn[k + 1] / POINTS];
    trail = [...trail, /** @type {[number, number]} */ ([x, y])].slice(-TRAIL);
    context.strokeStyle = trace;
    context.lineWidth = 2;
    trail.slice(1).forEach((to, k) => {
      context.globalAlpha = (k + 1) / trail.length; // what is old fades
      context.beginPath();
      context.moveTo(...at(...trail[k]));
      context.lineTo(...at(...to));
      context.stroke();
    });
    tell(measure());
  }

  /** @param {ReturnType<typeof measure>} now */
  function tell(now) {
    facts.replaceChildren(...[
      [t("round"), number(rounds)],
      [t("blobs covered"), `${now.covered} / ${NUM_BLOBS}`],
      [t("samples in a blob"), percent(now.inside)],
      [t("D says real: of real points"), percent(now.real)],
      [t("D says real: of generated points"), percent(now.drawn)],
    ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
    said.textContent = ringSaid(rounds, now);
    canvas.setAttribute("aria-label", said.textContent);
    cure.hidden = now.covered >= COLLAPSED || ratio <= NATURAL || !rounds;
    picture.show({
      z, generated: { points: gan.generator.forward(z.subarray(0, 120)) }, real: { points: real },
      of_generated: t("real? %(share)s", { share: percent(now.drawn) }), of_real: t("real? %(share)s", { share: percent(now.real) }),
    });
  }

  /** @param {number} chosen @param {number} seconds */
  async function watch(chosen, seconds) {
    stop();
    set(chosen);
    restart();
    go();
    const start = starts;
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    return { start, covered: measure().covered };
  }

  const tour = asks({
    text: t("Predict: G takes ten steps for each one of D. How many of the eight blobs does it cover after ten seconds?"),
    choices: [t("all eight"), t("about half"), t("at most two")],
    act: async () => {
      const { start, covered } = await watch(RATIOS.length - 1, SECONDS);
      const values = { count: covered, seconds: SECONDS, round: number(rounds) };
      const said = [
        t("After %(seconds)s seconds, at round %(round)s, the points of G covered %(count)s of the eight blobs. The purple line shows how their middle has moved: see whether it comes to rest.", values),
        covered < COLLAPSED ? t("This is mode collapse. D learns too seldom: G sees the same verdict for ten steps and moves all its points to where D says real. The cure: as many steps of D as of G.") : "",
      ].filter(Boolean).join(" ");
      return { right: covered > 6 ? 0 : covered > COLLAPSED ? 1 : 2, because: () => (starts === start ? said : "") };
    },
  });

  const view = el("div", { class: "ringed" },
    el("p", { class: "question" }, ...defined(t("The {G|generator G} learns to make points like the real ones, and the {D|discriminator D} learns to tell the two apart."))),
    picture.view,
    el("div", { class: "film" }, el("div", {}, canvas),
      el("div", {},
        el("div", { class: "controls" },
          el("div", { class: "buttons" }, toggle,
            button(t("one step of D"), () => { stop(); gan.stepD(); draw(); }),
            button(t("one step of G"), () => { stop(); gan.stepG(); draw(); }),
            button(t("Start again"), () => { seed++; remember({ ring: seed }); restart(); })),
          el("div", { class: "field wide" }, el("label", {}, label, slider), el("div", { class: "ends" }, el("small", {}, t("D learns more often")), el("small", {}, t("G learns more often"))))),
        facts, said, cure, tour.view,
        el("p", {}, ...defined(t("Why does a GAN {collapse|collapse}? If G learns much more often than D, D's verdict hardly changes meanwhile. All points of G run to one place where D says real. Then D says generated there, and they all run to the next place. The cure: let D learn as often as G, so that it shows G where points are missing."))),
        el("p", { class: "legend" },
          el("span", { class: "line-c" }, t("real points, and where D says real")), el("span", { class: "line-f" }, t("generated points, and where D says generated")),
          el("span", { class: "line-arrow" }, t("arrow: D's logit grows this way, and G pushes its point there")),
          el("span", { class: "line-trail" }, t("how the middle of the generated points has moved"))),
        el("p", { class: "note" }, t("Each circle is a blob of real points, eight on a ring of radius 1: a normal distribution with a standard deviation of 0.05, and the circle at three of them. A blob counts as covered if 2% of the samples lie in its circle. Both networks have two hidden layers of 32 and learn by Adam; D pays for steep slopes (R1). As long as D keeps up, the learning rates fall, so that the points come to rest.")))));
  set(ratio);
  toggle.textContent = t("Start");
  return { view, show: () => (gan ? draw() : restart()) };
}

/**
 * How far points are from their middle: the root of the mean square.
 * @param {Float64Array} points (points, 2)
 */
function spreadOf(points) {
  const count = points.length / 2;
  const middle = [0, 0];
  points.forEach((value, at) => { middle[at % 2] += value / count; });
  return Math.sqrt(points.reduce((sum, value, at) => sum + (value - middle[at % 2]) ** 2, 0) / count);
}

/**
 * @param {number} rounds
 * @param {{covered: number, inside: number, spread?: number}} now
 */
export function ringSaid(rounds, { covered, inside, spread = Infinity }) {
  if (!rounds) return t("Press Start: nothing is learnt yet.");
  const values = { covered, share: percent(inside) };
  if (covered === NUM_BLOBS) return t("G covers all eight blobs; %(share)s of its samples lie inside a circle.", values);
  const said = t("G covers %(covered)s of eight blobs; %(share)s of its samples lie inside a circle.", values);
  return covered < COLLAPSED && spread < NARROW * RADIUS ? `${said} ${t("Whatever z is, the point is nearly the same: this is mode collapse. The cure: let D learn as often as G.")}` : said;
}
