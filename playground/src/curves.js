/**
 * Accuracy against T of each network. Of the committed ones it was measured once, at every T, by
 * benchmarks/accuracy_curve.py; of others at some T, when it is asked for.
 */

import curve from "../data/curve.json";
import { counting } from "./costs.js";
import { WHOLE } from "./cuts.js";
import { button, colour, el, isClosed, number, percent, prepare, t } from "./dom.js";
import { NUM_ASKED } from "./reading.js";
import { titles } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */

const HEIGHT = 84;
const { shortest, count } = curve;
const right = /** @type {Record<string, number[]>} */ (curve.right);
const TICKS = [5, 10, 20, 36, 60, 100, 200, 400, 1000];
const ORDER = /** @type {Name[]} */ (["lstm_mine", "rnn_mine", "lstm", "lstm_plain", "rnn", "rnn_plain"]); // two by two
const ASKED = [5, 7, 10, 14, 20, 28, 36, 50, 70, 100, 140, 200, 280, 400, 600, 1000]; // of a network that was not measured

/** @typedef {{T: number, share: number}} Point the share of right answers */
/** What was measured here, by SHA-256. @type {Record<string, Point[]>} */
const found = {};

/** @param {import("./reading.js").Described} network */
const measured = ({ sha256 }) =>
  right[sha256]?.map((some, k) => ({ T: k + shortest, share: some / count })) ?? (found[sha256] ??= []);

/**
 * @param {import("./reading.js").Source} source
 * @param {(length: number) => void} choose a T
 */
export function curves(source, choose) {
  const { networks } = source;
  const counts = counting(source);
  const title = titles(networks);
  const longest = ASKED[ASKED.length - 1];
  const scale = Math.log(longest / shortest);
  const place = (/** @type {number} */ length) => Math.log(length / shortest) / scale;
  const lengthAt = (/** @type {number} */ share) => Math.round(shortest * Math.exp(scale * Math.min(1, Math.max(0, share))));
  let length = 36;

  const charts = ORDER.filter((name) => networks[name]).map((name) => {
    const network = /** @type {import("./reading.js").Described} */ (networks[name]);
    const points = measured(network);
    const said = el("p", { class: "note", role: "status" });
    const start = button(t("Measure"), () => measure(), { title: t("%(count)s palindromes at %(lengths)s lengths T", { count: NUM_ASKED, lengths: ASKED.length }) });
    const missing = el("div", { class: "buttons" }, start, said);

    /** Asks at one T after the other, and says how long the rest will take. */
    async function measure() {
      start.disabled = true;
      let [steps, worked] = [0, 0];
      for (const T of ASKED.slice(points.length)) {
        if (!view.isConnected) break;
        const began = performance.now();
        try {
          points.push({ T, share: await counts.share(name, T, WHOLE) });
        } catch (error) {
          said.textContent = /** @type {Error} */ (error).message;
          break;
        }
        [steps, worked] = [steps + T, worked + performance.now() - began];
        const left = ASKED.slice(points.length).reduce((sum, next) => sum + next, 0);
        said.textContent = left ? t("about %(seconds)s s left", { seconds: number(Math.ceil((left * worked) / steps / 1000)) }) : "";
        draw(chart);
      }
      start.disabled = false;
      if (points.length >= ASKED.length) missing.remove();
    }

    const canvas = el("canvas", { class: "chart", role: "img" });
    const value = el("output", {});
    const frame = el("div", { class: "frame" }, canvas);
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = frame.getBoundingClientRect();
      return lengthAt((event.clientX - left) / width);
    };
    frame.addEventListener("pointermove", (event) => set(at(event)));
    frame.addEventListener("click", (event) => choose(at(/** @type {PointerEvent} */ (event))));
    const chart = { points, canvas, value, view: el("figure", {}, el("figcaption", {}, el("b", {}, title[name]), value), frame, points.length < ASKED.length ? missing : null) };
    return chart;
  });
  const slider = el("input", {
    type: "range", min: "0", max: "1", step: "any", "aria-label": t("Length T of the palindromes"),
    oninput: () => set(lengthAt(Number(slider.value))), onchange: () => choose(length),
  });

  /** @param {number} chosen */
  function set(chosen) {
    length = chosen;
    if (isClosed(view)) return;
    for (const chart of charts) draw(chart);
  }

  /** @param {(typeof charts)[number]} chart */
  function draw({ points, canvas, value }) {
    const width = canvas.clientWidth || 500;
    const context = prepare(canvas, width, HEIGHT);
    const floor = HEIGHT - 18;
    context.fillStyle = context.strokeStyle = colour("holds");
    context.lineWidth = 1.5;
    context.beginPath();
    const half = points.length > ASKED.length ? 0.5 : 0; // a step for each T where every T was asked
    for (const { T, share } of points) {
      for (const end of [T - half, T + half]) context.lineTo(place(end) * width, floor - share * (floor - 4));
      if (!half) context.fillRect(place(T) * width - 1.5, floor - share * (floor - 4) - 1.5, 3, 3);
    }
    context.stroke();
    context.lineTo(place(points[points.length - 1]?.T ?? shortest) * width, floor);
    context.lineTo(0, floor);
    context.globalAlpha = 0.2;
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = context.strokeStyle = colour("muted");
    for (const tick of TICKS) context.fillText(number(tick), Math.min(Math.max(place(tick) * width, 8), width - 20), HEIGHT - 8);
    context.strokeStyle = colour("cursor");
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(place(length) * width, 0);
    context.lineTo(place(length) * width, floor);
    context.stroke();
    const distance = (/** @type {Point} */ { T }) => Math.abs(place(T) - place(length));
    const near = points.reduce((best, point) => (distance(point) < distance(best) ? point : best), points[0]);
    value.textContent = near ? t("T = %(length)s: %(share)s", { length: number(near.T), share: percent(near.share) }) : "";
    canvas.setAttribute("aria-label", value.textContent);
  }

  const view = el("div", {}, ...charts.length ? [
    el("div", { class: "curves" }, ...charts.map((chart) => chart.view)), slider,
    el("p", { class: "note" }, t("blue: the share of right answers to %(count)s palindromes at every T, or at every dot. Click to read one.", { count })),
  ] : []);
  return {
    view,
    /** @param {number} [chosen] T */
    show: (chosen = length) => {
      slider.value = String(Math.min(1, place(chosen)));
      set(chosen);
    },
  };
}
