/** Accuracy against T of each network, measured once: benchmarks/accuracy_curve.py. */

import curve from "../data/curve.json";
import { colour, el, number, percent, prepare, t } from "./dom.js";
import { titles } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */

const HEIGHT = 84;
const { shortest, count } = curve;
const right = /** @type {Record<string, number[]>} */ (curve.right);
const TICKS = [5, 10, 20, 36, 60, 100, 200, 400, 1000];
const ORDER = /** @type {Name[]} */ (["lstm", "lstm_plain", "rnn", "rnn_plain"]); // two by two

/**
 * The shares of right answers from the shortest T on; empty for a network that was not measured.
 * @param {import("./reading.js").Described} [network]
 */
export const measured = (network) => ((network && right[network.sha256]) ?? []).map((found) => found / count);

/**
 * @param {import("./reading.js").Source["networks"]} networks
 * @param {(length: number) => void} choose a T
 */
export function curves(networks, choose) {
  const title = titles();
  const longest = shortest + Math.max(0, ...Object.values(right).map((one) => one.length)) - 1;
  const scale = Math.log(longest / shortest);
  const place = (/** @type {number} */ length) => Math.log(length / shortest) / scale;
  const lengthAt = (/** @type {number} */ share) => Math.round(shortest * Math.exp(scale * Math.min(1, Math.max(0, share))));
  let length = 36;

  const charts = ORDER.filter((name) => measured(networks[name]).length).map((name) => {
    const canvas = el("canvas", { class: "chart", role: "img" });
    const value = el("output", {});
    const frame = el("div", { class: "frame" }, canvas);
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = frame.getBoundingClientRect();
      return lengthAt((event.clientX - left) / width);
    };
    frame.addEventListener("pointermove", (event) => set(at(event)));
    frame.addEventListener("click", (event) => choose(at(/** @type {PointerEvent} */ (event))));
    return { name, canvas, value, view: el("figure", {}, el("figcaption", {}, el("b", {}, title[name]), value), frame) };
  });
  const slider = el("input", {
    type: "range", min: "0", max: "1", step: "any", "aria-label": t("Length T of the palindromes"),
    oninput: () => set(lengthAt(Number(slider.value))), onchange: () => choose(length),
  });

  /** @param {number} chosen */
  function set(chosen) {
    length = chosen;
    for (const chart of charts) draw(chart);
  }

  /** @param {(typeof charts)[number]} chart */
  function draw({ name, canvas, value }) {
    const shares = measured(networks[name]);
    const width = canvas.clientWidth || 500;
    const context = prepare(canvas, width, HEIGHT);
    const floor = HEIGHT - 18;
    context.fillStyle = context.strokeStyle = colour("holds");
    context.lineWidth = 1.5;
    context.beginPath();
    shares.forEach((share, k) => {
      for (const T of [k + shortest - 0.5, k + shortest + 0.5]) context.lineTo(place(T) * width, floor - share * (floor - 4));
    });
    context.stroke();
    context.lineTo(width, floor);
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
    const share = shares[length - shortest];
    value.textContent = share === undefined ? "" : t("T = %(length)s: %(share)s", { length: number(length), share: percent(share) });
    canvas.setAttribute("aria-label", value.textContent);
  }

  const view = el("div", {}, ...charts.length ? [
    el("div", { class: "curves" }, ...charts.map((chart) => chart.view)), slider,
    el("p", { class: "note" }, t("blue: share of right answers, of %(count)s palindromes at every T; click to read one", { count })),
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
