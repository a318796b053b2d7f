/** The gate microscope: what three networks would answer after every digit, and why. */

import {
  button, colour, drawMatrix, el, labelled, number, percent, prepare, select, t,
} from "./dom.js";
import { argmax, softmax, uniformFrom } from "./tensors.js";

const MAX_DIGITS = 2000;
const NUM_TELLING = 12; // cells that are shown at first

/** @typedef {"lstm" | "lstm_plain" | "rnn_plain" | "rnn"} Name */

/**
 * Those that are in the page, in the order in which they are shown.
 * @param {import("./models.js").Networks} networks
 */
export function shown(networks) {
  const names = /** @type {Name[]} */ (["lstm", "lstm_plain", "rnn_plain"]).filter((name) => networks[name]);
  return names.length || !networks.rnn ? names : /** @type {Name[]} */ (["rnn"]);
}

const TITLES = () => ({
  lstm: t("LSTM, curriculum"),
  lstm_plain: t("LSTM, plain"),
  rnn_plain: t("RNN, plain"),
  rnn: t("RNN, curriculum"),
});

/** Title, the kind of its colours, lowest and highest value. */
const MAPS = () =>
  /** @type {Record<string, [string, "gate" | "signed", number, number]>} */ ({
    g: [t("g, input modulation (1)"), "signed", -1, 1],
    i: [t("i, input gate (2)"), "gate", 0, 1],
    f: [t("f, forget gate (3)"), "gate", 0, 1],
    o: [t("o, output gate (4)"), "gate", 0, 1],
    c: [t("c, cell (5)"), "signed", -3, 3],
    h: [t("h, hidden state (6)"), "signed", -1, 1],
  });

/**
 * The digits of a palindrome of length T without the last one.
 * @param {number} length T
 * @param {() => number} [uniform]
 */
function draw(length, uniform = Math.random) {
  const half = Array.from({ length: Math.ceil(length / 2) }, () => Math.floor(10 * uniform()));
  return [...half, ...half.slice(0, Math.floor(length / 2)).reverse()].slice(0, -1);
}

/** @param {number[]} digits */
const beginsPalindrome = (digits) =>
  digits.slice(1).every((digit, k) => digit === digits[digits.length - 1 - k]);

/**
 * A palindrome at which the plain RNN fails, if a few tries find one: the first to be shown.
 * @param {import("./models.js").Networks} networks
 */
function firstExample(networks) {
  const uniform = uniformFrom(0);
  let digits = draw(36, uniform);
  for (let k = 0; networks.rnn_plain && k < 20; k++) {
    if (argmax(networks.rnn_plain.forward(digits)) !== digits[0]) break;
    digits = draw(36, uniform);
  }
  return digits;
}

export const initial = () => ({
  digits: /** @type {number[]} */ ([]),
  step: 0,
  cell: 0,
  inside: "",
  all: false,
});

/**
 * @param {import("./models.js").Networks} networks
 * @param {Record<string, import("./models.js").Model>} models
 * @param {ReturnType<typeof initial>} state
 */
export function microscope(networks, models, state) {
  const names = shown(networks);
  const titles = TITLES();
  /** @type {Record<string, {trace: import("./recurrent.js").Trace, logits: Float32Array[], answers: number[]}>} */
  let read = {};
  let order = /** @type {number[]} */ ([]);

  const field = el("input", {
    type: "text", inputMode: "numeric", autocomplete: "off", spellcheck: false,
    oninput: () => typed(),
  });
  const message = el("p", { class: "message", role: "status" });
  const strips = el("div", { class: "strips" });
  const slider = el("input", {
    type: "range", min: "0", "aria-label": t("Step"), oninput: () => setStep(Number(slider.value)),
  });
  const sentence = el("p", { class: "sentence", role: "status" });
  const maps = el("div", { class: "maps" });
  const panel = el("div", { class: "panel" });
  const charts = [0, 1].map(() => el("canvas", { class: "chart", "aria-hidden": "true" }));
  /** @type {{canvas: HTMLCanvasElement, draw: () => void}[]} */
  let rows = [];
  /** @type {HTMLElement[]} */
  let cursors = [];

  function typed() {
    const text = field.value.replace(/[\s,]/g, "");
    if (!/^[0-9]*$/.test(text)) {
      return say(t("Only the digits 0 to 9, please. Below is still what was read before."));
    }
    if (!text) return say(t("Type a digit or more. Below is still what was read before."));
    if (text.length > MAX_DIGITS) {
      return say(t("At most %(most)s digits, please; these are %(count)s.", {
        most: number(MAX_DIGITS), count: number(text.length),
      }));
    }
    readDigits(Array.from(text, Number), text.length - 1);
  }

  /** @param {string} text */
  function say(text) {
    message.textContent = text;
    strips.classList.toggle("stale", Boolean(text));
  }

  /**
   * @param {number[]} digits
   * @param {number} step
   */
  function readDigits(digits, step) {
    state.digits = digits;
    if (field.value.replace(/[\s,]/g, "") !== digits.join("")) field.value = digits.join("");
    say("");
    read = {};
    for (const name of names) {
      const network = /** @type {import("./recurrent.js").LSTM} */ (networks[name]);
      const trace = network.trace(digits);
      const logits = network.logitsOf(trace);
      read[name] = { trace, logits, answers: logits.map(argmax) };
    }
    slider.max = String(digits.length - 1);
    showStrips();
    arrange();
    setStep(step);
  }

  /** The cells that say most for the last answer come first: |h W_p|, against the mean digit. */
  function arrange() {
    if (!names.includes(/** @type {Name} */ (state.inside))) state.inside = names[0];
    const network = /** @type {import("./recurrent.js").LSTM} */ (
      networks[/** @type {Name} */ (state.inside)]
    );
    const size = network.hidden_size;
    const { trace, answers } = read[state.inside];
    const last = state.digits.length - 1;
    const weight = network.readout_weight;
    const says = Array.from({ length: size }, (_, j) => {
      let mean = 0;
      for (let digit = 0; digit < 10; digit++) mean += weight[digit * size + j] / 10;
      return Math.abs(trace.h[last * size + j] * (weight[answers[last] * size + j] - mean));
    });
    order = says.map((_, j) => j).sort((a, b) => says[b] - says[a]);
    if (!state.all) order = order.slice(0, NUM_TELLING);
    if (!order.includes(state.cell)) state.cell = order[0];
    showMaps();
  }

  function showStrips() {
    const first = state.digits[0];
    const right = beginsPalindrome(state.digits);
    const last = state.digits.length - 1;
    rows = [];
    const row = (
      /** @type {string} */ title, /** @type {string} */ note,
      /** @type {number[]} */ values, /** @type {boolean} */ isAnswer, /** @type {Node} */ end,
    ) => {
      const canvas = el("canvas", {
        "aria-hidden": "true", onclick: (/** @type {MouseEvent} */ event) => pick(event, canvas),
      });
      rows.push({ canvas, draw: () => drawStrip(canvas, values, isAnswer) });
      return [el("div", { class: "name" }, el("b", {}, title), el("small", {}, note)), canvas, end];
    };
    const children = row(t("digits"), "", state.digits, false, el("span", { class: "end" },
      right ? el("small", {}, t("right: %(digit)s", { digit: first })) : ""));
    for (const name of names) {
      const { answers, logits } = read[name];
      const answer = answers[last];
      const share = softmax(logits[last])[answer];
      const good = right && answer === first;
      const { config, metrics } = models[name];
      const facts = { length: config.length, share: percent(metrics.test_accuracy) };
      const note = config.curriculum
        ? t("learnt T up to %(length)s: %(share)s right", facts)
        : t("learnt only T = %(length)s: %(share)s right", facts);
      children.push(...row(titles[name], note, answers, true, el(
        "span", { class: `end ${right ? (good ? "good" : "bad") : ""}` },
        el("b", {}, `${answer}${right ? (good ? " ✓" : " ✗") : ""}`),
        el("small", {}, t("%(share)s sure", { share: percent(share) })),
      )));
    }
    strips.replaceChildren(...children);
  }

  /**
   * @param {MouseEvent} event
   * @param {HTMLElement} element
   */
  function pick(event, element) {
    const box = element.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    setStep(Math.floor(share * state.digits.length));
    return (event.clientY - box.top) / box.height;
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number[]} values
   * @param {boolean} isAnswer
   */
  function drawStrip(canvas, values, isAnswer) {
    const height = 26;
    const width = canvas.clientWidth || 600;
    const context = prepare(canvas, width, height);
    const cell = width / values.length;
    const first = state.digits[0];
    const step = Math.max(cell, 2);
    context.fillStyle = colour("mark");
    context.fillRect(state.step * cell - 0.5, 0, Math.max(step, 3), height);
    if (cell < 11) context.font = "10px system-ui, sans-serif";
    values.forEach((value, k) => {
      const x = (k + 0.5) * cell;
      const holds = isAnswer && value === first;
      context.fillStyle = isAnswer ? colour(holds ? "holds" : "other") : colour("text");
      if (cell < 7.5) {
        if (isAnswer) context.fillRect(k * cell, holds ? 3 : height / 2, Math.max(cell, 1), holds ? height - 6 : 5);
        else context.fillRect(k * cell, height - 3 - 2 * value, Math.max(cell - 1, 1), 2 + 2 * value);
      } else if (holds) {
        context.beginPath();
        context.arc(x, height / 2, Math.min(6, cell / 2 - 1), 0, 7);
        context.fill();
      } else context.fillText(String(value), x, height / 2 + 1);
    });
  }

  function showMaps() {
    const size = /** @type {any} */ (networks)[state.inside].hidden_size;
    const trace = /** @type {Record<string, Float32Array>} */ (read[state.inside].trace);
    const length = state.digits.length;
    cursors = [];
    maps.replaceChildren(...Object.entries(MAPS()).filter(([name]) => trace[name]).map(
      ([name, [title, kind, low, high]]) => {
        const canvas = el("canvas", { class: "matrix" });
        drawMatrix(canvas, length, order.length, (x, y) => trace[name][x * size + order[y]], kind, low, high);
        const cursor = el("span", { class: "cursor" });
        const followed = el("span", { class: "followed" });
        cursors.push(cursor, followed);
        const frame = el("div", {
          class: "frame",
          onclick: (/** @type {MouseEvent} */ event) => {
            const share = pick(event, frame);
            state.cell = order[Math.min(order.length - 1, Math.floor(share * order.length))];
            showStep();
          },
        }, canvas, cursor, followed);
        return el("figure", {}, el("figcaption", {}, title, el("small", {},
          t("%(low)s to %(high)s", { low: number(low), high: number(high) }))), frame);
      }));
  }

  /** @param {number} step */
  function setStep(step) {
    state.step = Math.min(Math.max(step, 0), state.digits.length - 1);
    slider.value = String(state.step);
    showStep();
  }

  function showStep() {
    const { step, digits } = state;
    for (const { draw: again } of rows) again();
    const said = names.map((name) => {
      const answer = read[name].answers[step];
      return answer === digits[0]
        ? t("%(network)s holds it", { network: titles[name] })
        : t("%(network)s would say %(answer)s", { network: titles[name], answer });
    });
    const values = { step: step + 1, digit: digits[step], first: digits[0], said: said.join(t("; ")) };
    slider.setAttribute("aria-valuetext", t("step %(step)s, digit %(digit)s", values));
    sentence.textContent = t("After step %(step)s, digit %(digit)s (the first was %(first)s): %(said)s.", values);
    const row = order.indexOf(state.cell);
    cursors.forEach((cursor, k) => {
      if (k % 2 === 0) cursor.style.left = `${(100 * (step + 0.5)) / digits.length}%`;
      else {
        cursor.style.top = `${(100 * row) / order.length}%`;
        cursor.style.height = `${100 / order.length}%`;
      }
    });
    showCell();
  }

  function showCell() {
    const { step, cell, inside } = state;
    const size = /** @type {any} */ (networks)[inside].hidden_size;
    const trace = /** @type {Record<string, Float32Array>} */ (read[inside].trace);
    const at = (/** @type {string} */ name, /** @type {number} */ when = step) =>
      when < 0 ? 0 : trace[name][when * size + cell];
    const n = (/** @type {number} */ value) => number(value, 3);
    const now = step + 1;
    const lines = trace.c
      ? [
          ["(1) (2)", `g = ${n(at("g"))}   i = ${n(at("i"))}`],
          ["(3) (4)", `f = ${n(at("f"))}   o = ${n(at("o"))}`],
          ["(5)", `c(${now}) = g i + c(${step}) f`],
          ["", `= ${n(at("g"))} × ${n(at("i"))} + ${n(at("c", step - 1))} × ${n(at("f"))}`],
          ["", `= ${n(at("g") * at("i"))} + ${n(at("c", step - 1) * at("f"))} = ${n(at("c"))}`],
          ["(6)", `h(${now}) = tanh(c) o = ${n(Math.tanh(at("c")))} × ${n(at("o"))} = ${n(at("h"))}`],
        ]
      : [["", `h(${now}) = tanh(W x + W h(${step}) + b) = ${n(at("h"))}`]];
    const choose = select(
      order.map((j) => [String(j), t("cell %(cell)s", { cell: j })]), String(cell),
      (value) => { state.cell = Number(value); showStep(); },
    );
    choose.setAttribute("aria-label", t("Cell to follow"));
    const kept = step === 0 ? t("At the first step there is nothing to keep.") : t(
      "It keeps %(kept)s of what it held and adds %(added)s.",
      { kept: percent(at("f")), added: n(at("g") * at("i")) },
    );
    panel.replaceChildren(
      el("p", { class: "follow" }, choose, el("span", {}, t("at step %(step)s", { step: now }))),
      el("dl", {}, ...lines.flatMap(([name, line]) => [el("dt", {}, name), el("dd", {}, line)])),
      ...(trace.c ? [el("p", {}, kept)] : []),
      ...(trace.c ? [el("p", { class: "legend" }, el("span", { class: "line-c" }, "c")), charts[0]] : []),
      el("p", { class: "legend" }, el("span", { class: "line-h" }, "h"), trace.c ? el("span", { class: "line-f" }, "f") : null),
      charts[1],
    );
    if (trace.c) drawLines(charts[0], ["c"], at);
    drawLines(charts[1], trace.c ? ["f", "h"] : ["h"], at);
  }

  /**
   * @param {HTMLCanvasElement} chart
   * @param {string[]} drawn
   * @param {(name: string, when: number) => number} at
   */
  function drawLines(chart, drawn, at) {
    const length = state.digits.length;
    const width = chart.clientWidth || 300;
    const height = 72;
    const context = prepare(chart, width, height);
    let top = 1;
    for (const name of drawn) for (let k = 0; k < length; k++) top = Math.max(top, Math.abs(at(name, k)));
    const x = (/** @type {number} */ k) => ((k + 0.5) * width) / length;
    const y = (/** @type {number} */ value) => height / 2 - (value / top) * (height / 2 - 6);
    context.strokeStyle = colour("line");
    context.beginPath();
    context.moveTo(0, y(0));
    context.lineTo(width, y(0));
    context.moveTo(x(state.step), 0);
    context.lineTo(x(state.step), height);
    context.stroke();
    for (const name of drawn) {
      context.strokeStyle = colour(`line-${name}`);
      context.lineWidth = name === "c" ? 2.5 : 1.5;
      context.beginPath();
      for (let k = 0; k < length; k++) context.lineTo(x(k), y(at(name, k)));
      context.stroke();
    }
    context.fillStyle = colour("muted");
    context.textAlign = "left";
    context.fillText(number(top, 1), 2, 9);
    context.fillText(number(-top, 1), 2, height - 8);
  }

  /** @param {number} length */
  const example = (length) => {
    const digits = draw(length);
    readDigits(digits, digits.length - 1);
  };
  const change = () => {
    const at = state.step === state.digits.length - 1 ? Math.floor(state.digits.length / 2) : state.step;
    const digits = state.digits.map((digit, k) => (k === at ? (digit + 1) % 10 : digit));
    readDigits(digits, at);
  };
  const zeros = () => {
    const digits = state.digits.map((digit, k) => (k ? 0 : digit || 7));
    readDigits(digits, digits.length - 1);
  };
  const inside = select(names.map((name) => [name, titles[name]]), state.inside || names[0], (value) => {
    state.inside = value;
    arrange();
    showStep();
  });
  const all = el("input", { type: "checkbox", checked: state.all, onchange: () => {
    state.all = all.checked;
    arrange();
    showStep();
  } });
  const view = el("div", {},
    el("p", { class: "task" }, t("A palindrome reads the same backwards. A network reads all its digits but the last, one at a time, and must say the last one, which is the first digit again: it has to hold the first digit to the end.")),
    el("div", { class: "controls" },
      labelled(t("Digits to read"), field),
      el("div", { class: "buttons" },
        ...[9, 20, 36, 1000].map((length) => button(`T = ${number(length)}`, () => example(length))),
        button(t("zeros after the first"), zeros),
        button(t("change one digit"), change)),
    ),
    message,
    strips,
    slider,
    el("p", { class: "legend" }, el("span", { class: "dot" }, t("it would say the first digit (holds it)")),
      el("span", { class: "plain" }, t("a digit: what it would say instead"))),
    sentence,
    el("h2", {}, t("Inside")),
    el("div", { class: "controls" }, labelled(t("Network"), inside),
      el("label", { class: "check" }, all, t("all cells, not only the %(count)s that say most for the last answer", { count: NUM_TELLING }))),
    el("div", { class: "inside" }, maps, panel),
  );
  /** To be called when the view is visible, or has another width. */
  const show = () => {
    if (!state.digits.length) readDigits(firstExample(networks), 34);
    else if (!Object.keys(read).length) readDigits(state.digits, state.step);
    else {
      showMaps();
      showStep();
    }
  };
  return { view, show };
}
