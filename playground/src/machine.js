/**
 * The cells as machines: an LSTM's, and an RNN's. What comes in stands on the left and below, what goes
 * out on the right. Each gate is a box that fills, and a valve that opens; a wire is cut by a press on it.
 */

import { el, magnitude, number, t } from "./dom.js";
import { formula, pressable, svg, through } from "./svg.js";

/** @typedef {import("./cuts.js").Wire} Wire */
/** @typedef {import("./recurrent.js").StateName} StateName */
/**
 * What a machine shows: the values after a step, and of c and h before it; `isSize` where they are mean
 * sizes, which have no sign. `wires` are cut, and `isCut` from this step on; `answer` is what would be
 * said now, `isRight` null where nothing is right; `sent` is the share of the gradient that has come
 * back to this step, null while none is sent.
 * @typedef {{
 *   values: Partial<Record<StateName, number>>, before: Partial<Record<StateName, number>>, isSize: boolean,
 *   digit: number, step: number, wires: Wire[], isCut: boolean, answer: number, isRight: boolean | null,
 *   sure: string, sent: number | null,
 * }} Moment
 */

const FULL = 12; // width of a pipe that carries 1
const LEAST = 1.5; // of one that carries nothing
const BOX = { width: 126, height: 102, top: 198 };
const VALVE = 15; // its radius
const DECADES = 9; // that the width of a pipe shows while the error comes back

/** Name, middle, title, meaning and formula of each gate, in the order of the drawing. */
const GATES = () => /** @type {[StateName, number, string, string[]][]} */ ([
  ["f", 112, t("forget gate (3)"), [t("1 keeps c, 0 forgets"), "σ(W_fx x +", "W_fh h + b_f )"]],
  ["i", 246, t("input gate (2)"), [t("1 writes g, 0 blocks"), "σ(W_ix x +", "W_ih h + b_i )"]],
  ["g", 380, t("new content (1)"), [t("what can be written"), "tanh(W_gx x +", "W_gh h + b_g )"]],
  ["o", 514, t("output gate (4)"), [t("1 shows c, 0 hides"), "σ(W_ox x +", "W_oh h + b_o )"]],
]);

/** What a press on each place does, in words. @returns {Record<Wire, string>} */
const PLACES = () => ({
  i0: t("Cut i: the input gate stands at 0, nothing is written"),
  f1: t("Hold f at 1: the forget gate stands open, nothing is forgotten"),
  f0: t("Cut f: the forget gate stands at 0, the cell state keeps nothing"),
  o1: t("Hold o at 1: the output gate stands open"),
  hg: t("Cut the wire from h to g: g no longer reads the hidden state"),
  hi: t("Cut the wire from h to i: i no longer reads the hidden state"),
  hf: t("Cut the wire from h to f: f no longer reads the hidden state"),
  ho: t("Cut the wire from h to o: o no longer reads the hidden state"),
  hh: t("Cut the wire from h to h: the RNN no longer reads its own hidden state"),
});

/**
 * The parts that both drawings are made of; each knows how to show a moment.
 * @param {string} label
 * @param {string} viewBox
 * @param {(wire: Wire) => void} press
 */
function board(label, viewBox, press) {
  const titles = PLACES();
  const view = svg("svg", { viewBox, class: "machine", role: "group", "aria-label": label });
  /** @type {((moment: Moment) => void)[]} */
  const shows = [];

  /** @param {string} path @param {string} [name] */
  const wire = (path, name = "wire") => view.appendChild(svg("path", { d: path, class: name }));

  /**
   * A pipe as wide as what it carries.
   * @param {string} path
   * @param {(moment: Moment) => number} carries
   */
  function pipe(path, carries) {
    const line = wire(path, "pipe");
    shows.push((moment) => {
      const share = moment.sent === null ? Math.tanh(Math.abs(carries(moment)))
        : Math.max(0, 1 + Math.log10(Math.max(moment.sent, 1e-30)) / DECADES);
      line.style.strokeWidth = String(LEAST + FULL * Math.min(1, share));
    });
  }

  /**
   * What can be cut: the wire itself, and a mark on it.
   * @param {Wire} name
   * @param {string} path
   * @param {number} x of the mark
   * @param {number} y
   * @param {string} mark
   */
  function place(name, path, x, y, mark) {
    const wide = mark === "✂" ? 26 : 46;
    const group = pressable(titles[name], () => press(name), { class: "place" },
      svg("path", { d: path, class: "reach" }), svg("path", { d: path, class: "wire" }),
      svg("rect", { x: x - wide / 2, y: y - 13, width: wide, height: 26, rx: 8 }), svg("text", { x, y: y + 5, class: "mark" }, mark));
    view.append(group);
    shows.push(({ wires, isCut }) => {
      group.setAttribute("aria-pressed", String(wires.includes(name)));
      group.classList.toggle("waits", !isCut);
    });
  }

  /**
   * A state that comes in or goes out.
   * @param {string} title
   * @param {number} x of its middle
   * @param {number} y
   * @param {(moment: Moment) => number | undefined} value
   */
  function state(title, x, y, value) {
    const said = svg("text", { x, y: y + 15, class: "value" });
    const fill = svg("rect", { x: x - 26, y: y - 20, width: 52, height: 40, rx: 8, class: "fill" });
    view.append(svg("rect", { x: x - 26, y: y - 20, width: 52, height: 40, rx: 8, class: "paper" }), fill,
      svg("rect", { x: x - 26, y: y - 20, width: 52, height: 40, rx: 8, class: "outline" }), svg("text", { x, y: y - 3, class: "name" }, title), said);
    shows.push((moment) => {
      const now = value(moment) ?? 0;
      said.textContent = number(now, 2);
      fill.style.transform = `scaleY(${Math.tanh(Math.abs(now))})`;
      fill.classList.toggle("less", now < 0);
    });
  }

  /**
   * A box that computes one quantity and is filled by its value.
   * @param {StateName} name
   * @param {number} middle
   * @param {number} top
   * @param {string} title
   * @param {string[]} lines its meaning and formula
   */
  function box(name, middle, top, title, lines) {
    const left = middle - BOX.width / 2;
    const place = { x: left, y: top, width: BOX.width, height: BOX.height, rx: 8 };
    const fill = svg("rect", { ...place, class: `fill of-${name}` });
    const said = svg("text", { x: middle + BOX.width / 2 - 10, y: top + 24, class: "value end" });
    view.append(svg("rect", { ...place, class: "paper" }), fill, svg("rect", { ...place, class: "outline" }),
      svg("text", { x: left + 10, y: top + 25, class: "letter" }, name), said,
      svg("text", { x: middle, y: top + 43, class: "title" }, title), ...lines.map((line, k) => formula(middle, top + 60 + 16 * k, line)));
    shows.push(({ values, isCut, wires }) => {
      const now = values[name] ?? 0;
      said.textContent = number(now, 2);
      fill.style.transform = `scaleY(${Math.min(1, Math.abs(now))})`;
      fill.classList.toggle("less", now < 0);
      fill.classList.toggle("stands", isCut && wires.some((cut) => cut[0] === name && name !== "h"));
    });
  }

  /**
   * A product: a plate in the pipe, which a gate turns; across at 0, along at 1.
   * @param {number} x
   * @param {number} y
   * @param {StateName} gate
   * @param {boolean} isUpright whether what passes goes upwards
   */
  function valve(x, y, gate, isUpright) {
    const plate = svg("line", { x1: x - VALVE + 3, y1: y, x2: x + VALVE - 3, y2: y, class: "plate" });
    view.append(svg("circle", { cx: x, cy: y, r: VALVE, class: "node" }), plate, svg("text", { x: x + VALVE + 2, y: y - VALVE + 2, class: "times" }, "×"));
    shows.push(({ values }) => {
      const shut = 90 * (1 - (values[gate] ?? 0));
      plate.style.transform = `rotate(${isUpright ? 90 + shut : shut}deg)`;
    });
  }

  /**
   * What is said after this step.
   * @param {number} x
   * @param {number} y
   */
  function answer(x, y) {
    const said = svg("text", { x, y, class: "answer-digit" });
    const sure = svg("text", { x, y: y + 20, class: "value" });
    view.append(svg("text", { x, y: y - 50, class: "formula" }, t("(7), (8):")), svg("text", { x, y: y - 36, class: "formula" }, t("it says")), said, sure);
    shows.push((moment) => {
      said.textContent = `${moment.answer}${moment.isRight === null ? "" : moment.isRight ? " ✓" : " ✗"}`;
      said.setAttribute("class", `answer-digit ${moment.isRight === null ? "" : moment.isRight ? "good" : "bad"}`);
      sure.textContent = moment.sure;
    });
  }

  /** The digit that is read. @param {number} x @param {number} y */
  function digit(x, y) {
    const read = svg("text", { x, y: y + 6, class: "digit" });
    view.append(svg("circle", { cx: x, cy: y, r: 17, class: "node" }), read, svg("text", { x: x + 24, y: y + 5, class: "name start" }, "x(t)"));
    shows.push((moment) => { read.textContent = String(moment.digit); });
  }

  /** The gradient, where it has come back to. @param {number} x @param {number} y @param {string} of */
  function error(x, y, of) {
    const said = [0, 16].map((lower) => view.appendChild(svg("text", { x, y: y + lower, class: "sent" })));
    shows.push(({ sent }) => {
      said[0].textContent = sent === null ? "" : `← ∂loss/∂${of}`;
      said[1].textContent = sent === null ? "" : t("%(share)s × the last step's", { share: magnitude(sent) });
    });
  }

  return {
    view, wire, pipe, place, state, box, valve, answer, digit, error,
    /** @param {Moment} moment */
    show(moment) {
      view.classList.toggle("back", moment.sent !== null);
      for (const show of shows) show(moment);
    },
  };
}

/** @param {(wire: Wire) => void} press */
export function lstmMachine(press) {
  const { view, wire, pipe, place, state, box, valve, answer, digit, error, show } = board(t("The LSTM's cell"), "0 0 664 410", press);
  const gates = GATES();
  const bottom = BOX.top + BOX.height;
  // c comes from the left, is let through by f, and g × i is added: (5).
  pipe(through(56, 66, 112, 66), ({ before }) => before.c ?? 0);
  pipe(through(112, 66, 313, 66), ({ before, values }) => (before.c ?? 0) * (values.f ?? 0));
  pipe(through(313, 66, 604, 66), ({ values }) => values.c ?? 0);
  pipe(through(380, BOX.top, 380, 140, 313, 140), ({ values }) => values.g ?? 0);
  pipe(through(313, 140, 313, 66), ({ values }) => (values.g ?? 0) * (values.i ?? 0));
  // tanh(c) is let through by o: (6).
  pipe(through(514, 66, 514, 140), ({ values }) => values.c ?? 0);
  pipe(through(514, 140, 604, 140), ({ values }) => values.h ?? 0);
  // x and the last h go into all gates.
  wire(through(50, 336, 490, 336));
  wire(through(50, 382, 538, 382));
  for (const [, middle] of gates) wire(through(middle + 26, 382, middle + 26, bottom));
  wire(through(634, 160, 634, 196));
  const placesOf = /** @type {Record<string, Wire>} */ ({ f: "hf", i: "hi", g: "hg", o: "ho" });
  for (const [name, middle] of gates) place(placesOf[name], through(middle - 24, 336, middle - 24, bottom), middle - 24, 318, "✂");
  place("f0", through(112, BOX.top, 112, 81), 86, 168, "f = 0");
  place("f1", through(112, BOX.top, 112, 190), 138, 168, "f = 1");
  place("i0", through(246, BOX.top, 246, 140, 298, 140), 246, 168, "i = 0");
  place("o1", through(514, BOX.top, 514, 155), 514, 182, "o = 1");
  valve(112, 66, "f", false);
  valve(313, 140, "i", true);
  valve(514, 140, "o", true);
  view.append(svg("circle", { cx: 313, cy: 66, r: VALVE, class: "node" }), svg("text", { x: 313, y: 72, class: "letter middle" }, "+"),
    svg("rect", { x: 490, y: 88, width: 48, height: 22, rx: 8, class: "node" }), svg("text", { x: 514, y: 103, class: "pill" }, "tanh"),
    svg("text", { x: 326, y: 36, class: "formula start" }, "(5)  c(t) = g × i + c(t−1) × f"),
    svg("text", { x: 498, y: 134, class: "formula end" }, "(6)  h(t) ="), svg("text", { x: 498, y: 149, class: "formula end" }, "tanh(c(t)) × o"));
  for (const [name, middle, title, lines] of gates) box(name, middle, BOX.top, title, lines);
  state("c(t−1)", 30, 66, ({ before }) => before.c);
  state("c(t)", 634, 66, ({ values }) => values.c);
  state("h(t−1)", 30, 336, ({ before }) => before.h);
  state("h(t)", 634, 140, ({ values }) => values.h);
  digit(30, 385);
  answer(622, 262);
  error(210, 22, "c(t)");
  return { view: el("div", { class: "drawn" }, view), show };
}

/** @param {(wire: Wire) => void} press */
export function rnnMachine(press) {
  const { view, wire, pipe, place, state, box, answer, digit, error, show } = board(t("The RNN's cell"), "0 0 252 410", press);
  const bottom = BOX.top + BOX.height;
  wire(through(50, 382, 144, 382, 144, bottom));
  place("hh", through(54, 336, 92, 336, 92, bottom), 92, 318, "✂");
  pipe(through(118, BOX.top, 118, 140), ({ values }) => values.h ?? 0);
  wire(through(144, 140, 182, 140));
  box("h", 118, BOX.top, t("hidden state"), ["tanh(W_hx x +", "W_hh h + b_h )"]);
  state("h(t−1)", 30, 336, ({ before }) => before.h);
  state("h(t)", 118, 140, ({ values }) => values.h);
  view.append(svg("text", { x: 118, y: 26, class: "formula" }, t("no gate, no cell state:")), svg("text", { x: 118, y: 42, class: "formula" }, t("all must go round through h")));
  digit(30, 385);
  answer(218, 150);
  error(126, 64, "h(t)");
  return { view: el("div", { class: "drawn" }, view), show };
}
