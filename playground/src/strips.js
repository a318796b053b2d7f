/**
 * Rows over the steps: the digits, what each network would answer after each of them, and below it
 * what its memory holds of them at the chosen step, or how the gradient of its loss comes back.
 */

import { touches } from "./cuts.js";
import { colour, el, font, isClosed, magnitude, number, percent, prepare, t } from "./dom.js";
import { brokenMirror } from "./palindromes.js";

/** @typedef {import("./reading.js").Name} Name */

const HEIGHT = 24; // of a row of marks, in pixels where the type has its usual size
const MEMORY = 18; // of a row of bars
const HELD = 0.25; // of the memory's length: it depends on the digit
const FLOW = 44; // of a row of gradients
const DECADES = 9; // that a row of gradients shows, from the largest of all downwards
export const VANISHES = 1e-3; // of what leaves the last step: so little arrives at the first
const READABLE = 7.5; // pixels for a mark that is a digit

/** How much larger the type is than usual, and so all rows. */
const enlarged = () => parseFloat(font()) / 13;

/** @param {import("./reading.js").Source["networks"]} networks */
export const titles = (networks) => ({
  lstm_mine: t("LSTM, %(whose)s", { whose: networks.lstm_mine?.whose ?? "" }),
  rnn_mine: t("RNN, %(whose)s", { whose: networks.rnn_mine?.whose ?? "" }),
  lstm: t("LSTM, curriculum"),
  lstm_plain: t("LSTM, plain"),
  rnn_plain: t("RNN, plain"),
  rnn: t("RNN, curriculum"),
});

/** @param {import("./reading.js").Described} network */
function learnt({ config, metrics, whose, hidden_size }) {
  if (whose) {
    return config.length ? t("hidden size %(size)s, trained at T = %(length)s", { size: hidden_size, length: config.length })
      : t("hidden size %(size)s", { size: hidden_size });
  }
  const facts = { length: config.length, share: percent(metrics.test_accuracy) };
  return config.curriculum
    ? t("learnt T up to %(length)s: %(share)s right there", facts)
    : t("learnt only T = %(length)s: %(share)s right there", facts);
}

/**
 * @param {import("./reading.js").Source["networks"]} networks
 * @param {(step: number) => void} choose
 */
export function strips(networks, choose) {
  const names = /** @type {Name[]} */ (Object.keys(networks));
  const title = titles(networks);
  /** @type {number[]} */
  let digits = [];
  let step = 0;
  /** @type {Record<string, number[][]> | null} */
  let memory = null;
  /** @type {Record<string, number[]> | null} */
  let flow = null;
  let arrived = 0; // the step to which the gradient has come back

  /** A row of marks on which a press or a drag chooses the step. */
  function lane() {
    const canvas = el("canvas", { "aria-hidden": "true" });
    const now = el("span", { class: "now" });
    const without = el("span", { class: "without" });
    const frame = el("div", { class: "frame" }, now, without, canvas);
    const at = (/** @type {PointerEvent} */ event) => {
      const { left, width } = frame.getBoundingClientRect();
      choose(Math.floor(((event.clientX - left) / width) * digits.length));
    };
    frame.addEventListener("pointerdown", (event) => {
      frame.setPointerCapture(event.pointerId);
      at(event);
    });
    frame.addEventListener("pointermove", (event) => { if (event.buttons) at(event); });
    return { frame, canvas, now, without };
  }

  const top = { ...lane(), end: el("span", { class: "end" }) };
  top.without.hidden = true;
  const rows = names.map((name) => ({
    ...lane(),
    name,
    bars: el("canvas", { class: "memory", "aria-hidden": "true" }),
    word: el("span", { class: "word" }),
    asked: el("small", { class: "asked" }),
    end: el("span", { class: "end" }),
    answers: /** @type {number[]} */ ([]),
  }));
  const view = el("div", { class: "strips" },
    el("div", { class: "name" }, el("b", {}, t("digits"))), top.frame, top.end,
    ...rows.flatMap(({ name, frame, bars, word, end }) => [
      el("div", { class: "name" }, el("b", {}, title[name]),
        el("small", {}, learnt(/** @type {import("./reading.js").Described} */ (networks[name])))),
      el("div", { class: "lane" }, frame, el("div", { class: "below" }, bars, word)),
      end,
    ]));

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number[]} values
   * @param {boolean} are_answers
   */
  function draw(canvas, values, are_answers) {
    const width = canvas.clientWidth || 600;
    const height = HEIGHT * enlarged();
    const context = prepare(canvas, width, height);
    const cell = width / values.length;
    if (cell < 11 * enlarged()) context.font = font(10 / enlarged());
    const [holding, other, text] = ["holds", "other", "text"].map(colour);
    values.forEach((value, k) => {
      const x = (k + 0.5) * cell;
      const holds = are_answers && value === digits[0];
      context.fillStyle = are_answers ? (holds ? holding : other) : text;
      if (cell < READABLE && are_answers) {
        context.fillRect(k * cell, holds ? 3 : height / 2, cell + 0.5, holds ? height - 6 : 5);
      } else if (cell < READABLE) {
        context.fillRect(k * cell, height - 3 - 2 * value, Math.max(cell - 1, 1), 2 + 2 * value);
      } else if (holds) {
        context.beginPath();
        context.arc(x, height / 2, Math.min(height / 4, cell / 2 - 1), 0, 7);
        context.fill();
      } else context.fillText(String(value), x, height / 2 + 1);
    });
  }

  /** Of each digit up to the chosen step, how far the memory moves if it is replaced. */
  function drawMemory() {
    if (isClosed(view)) return;
    if (flow) return drawFlow(flow);
    const [line, within, beyond] = ["line", "line-h", "cursor"].map(colour);
    for (const { name, bars, word } of rows) {
      bars.hidden = !memory;
      word.textContent = "";
      if (!memory) continue;
      const width = bars.clientWidth || 600;
      const full = MEMORY * enlarged();
      const context = prepare(bars, width, full);
      const cell = width / digits.length;
      context.fillStyle = line;
      context.fillRect(0, full - 1, width, 1);
      memory[name][step].forEach((share, k) => {
        const height = Math.max(1, Math.min(1, share) * full);
        context.fillStyle = within;
        context.fillRect(k * cell + 1, full - height, cell - 2, height);
        context.fillStyle = beyond;
        if (share > 1) context.fillRect(k * cell + 1, 0, cell - 2, 3);
      });
    }
  }

  /**
   * The gradients from the last step back to the one where they have arrived, as shares of what sets
   * out at the last, on one logarithmic scale.
   * @param {Record<string, number[]>} norms
   */
  function drawFlow(norms) {
    const shares = Object.fromEntries(Object.entries(norms).map(([name, all]) => [name, all.map((norm) => norm / all[all.length - 1])]));
    const most = Math.max(...Object.values(shares).flat());
    for (const { name, bars, word } of rows) {
      bars.hidden = false;
      const width = bars.clientWidth || 600;
      const full = FLOW * enlarged();
      const context = prepare(bars, width, full);
      const cell = width / digits.length;
      context.fillStyle = colour("line");
      for (let decade = Math.log10(most) % 3; decade <= DECADES; decade += 3) context.fillRect(0, (decade / DECADES) * full, width, 0.5);
      context.fillStyle = colour("error");
      shares[name].forEach((share, k) => {
        const height = full * (1 + Math.log10(share / most) / DECADES);
        if (k >= arrived && height > 0) context.fillRect(k * cell + 0.5, full - height, Math.max(cell - 1, 1), height);
      });
      const [share] = shares[name];
      const values = { share: magnitude(share) };
      word.textContent = arrived > 0 ? "" : share < VANISHES ? t("vanishing: %(share)s of it is left at step 1", values)
        : share > 1 / VANISHES ? t("exploding: %(share)s times as much at step 1", values)
        : t("%(share)s times as much at step 1", values);
    }
  }

  /**
   * The last answers; right or wrong only where there is a right one.
   * @param {Record<string, import("./reading.js").Reading>} read
   */
  function showEnds(read) {
    const palindrome = brokenMirror(digits) < 0;
    top.end.replaceChildren(palindrome ? el("small", {}, t("right at the end: %(digit)s", { digit: digits[0] })) : "");
    for (const { name, end, asked } of rows) {
      const { answers, probabilities } = read[name];
      const answer = answers[answers.length - 1];
      const right = answer === digits[0];
      end.className = `end ${palindrome ? (right ? "good" : "bad") : ""}`;
      end.replaceChildren(
        el("b", {}, `${answer}${palindrome ? (right ? " ✓" : " ✗") : ""}`),
        el("small", {}, t("%(share)s sure", { share: percent(probabilities[answer]) })), asked);
    }
  }

  const resize = () => {
    if (isClosed(view)) return;
    draw(top.canvas, digits, false);
    for (const { canvas, answers } of rows) draw(canvas, answers, true);
    drawMemory();
  };
  return {
    view,
    resize,
    /**
     * @param {number[]} now_read
     * @param {Record<string, import("./reading.js").Reading>} read
     */
    show: (now_read, read) => {
      digits = now_read;
      memory = flow = null;
      for (const row of rows) row.answers = read[row.name].answers;
      showEnds(read);
      resize();
    },
    /** @param {number} chosen */
    step: (chosen) => {
      step = chosen;
      for (const { now } of [top, ...rows]) {
        now.style.left = `${(100 * step) / digits.length}%`;
        now.style.width = `max(${100 / digits.length}%, 3px)`;
      }
      drawMemory();
    },
    /**
     * @param {import("./cuts.js").Cut} cut
     */
    cut: ({ wires, from }) => {
      for (const { name, without, asked } of rows) {
        without.hidden = !touches(name, wires);
        without.style.left = `${(100 * from) / digits.length}%`;
        asked.textContent = "";
      }
    },
    /**
     * How many of other palindromes a network completes.
     * @param {Name} name
     * @param {string} text
     */
    asked: (name, text) => {
      const row = rows.find((one) => one.name === name);
      if (row) row.asked.textContent = text;
    },
    /**
     * @param {Record<string, number[]> | null} norms of the gradient after each step
     * @param {number} step to which it has come back
     */
    flow: (norms, step) => {
      flow = norms;
      arrived = step;
      drawMemory();
    },
    /** @param {Record<string, number[][]> | null} found a number for each step and digit up to then */
    memory: (found) => {
      memory = found;
      drawMemory();
    },
    /** Those that would say another digit though their memory would be another with another first one. */
    unsaid: () => rows.filter(({ name, answers }) =>
      answers[step] !== digits[0] && memory && memory[name][step][0] > HELD).map(({ name }) => title[name]),
    /** What all would answer after the chosen step, in words. */
    said: () => rows.map(({ name, answers }) => answers[step] === digits[0]
      ? t("%(network)s would say %(answer)s, the first digit", { network: title[name], answer: answers[step] })
      : t("%(network)s would say %(answer)s", { network: title[name], answer: answers[step] }),
    ).join(t("; ")),
  };
}

/**
 * Whether there is a right answer to digits, and why.
 * @param {number[]} digits
 */
export function verdict(digits) {
  const wrong = brokenMirror(digits);
  const length = digits.length + 1;
  if (length === 2) return t("This digit begins a palindrome of T = 2: the right answer is the same digit, %(first)s.", { first: digits[0] });
  if (wrong >= 0 && digits.every((digit, k) => digit === digits[length - 2 - k])) {
    return t("These %(count)s digits are a whole palindrome. The networks must say the last digit themselves: leave it out.", { count: number(length - 1) });
  }
  return wrong < 0
    ? t("These %(count)s digits begin a palindrome of T = %(length)s: the right answer is the first digit, %(first)s.", {
      count: number(length - 1), length: number(length), first: digits[0],
    })
    : t("These digits do not begin a palindrome: digit %(place)s is %(digit)s, and its mirror, digit %(mirror)s, is %(other)s. No answer is right. A network that only keeps the first digit says %(first)s.", {
      place: number(wrong + 1), digit: digits[wrong], mirror: number(length - wrong),
      other: digits[length - wrong - 1], first: digits[0],
    });
}
