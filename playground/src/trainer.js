/** A tiny LSTM and a tiny RNN that learn in the page, which may be broken on purpose. */

import { owner } from "./address.js";
import { asks } from "./ask.js";
import { button, colour, drawMatrix, el, labelled, magnitude, number, percent, prepare, select, t } from "./dom.js";
import { DEFAULTS, Palindromes, TinyLSTM, TinyRNN } from "./learn.js";
import { VANISHES } from "./strips.js";
import { argmax, uniformFrom } from "./tensors.js";

const { remember, remembered } = owner("learn", ["T", "hidden", "rate", "clip", "forget", "softmax", "start", "run"]);

const BATCH_SIZE = 32;
const NUM_TEST = 200;
const EVALUATE_EVERY = 10; // steps
const WORK = 24; // milliseconds of training between two pictures
const GOAL = 0.99;
const DECADES = 9; // that the gradients show
const SECONDS = 12; // of training, until a question is answered

const LENGTHS = Array.from({ length: 18 }, (_, k) => k + 3);
const SIZES = [8, 16, 24, 32];
const RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const CLIPS = [0, 0.1, 1, 10]; // 0 clips nothing
/** @type {Record<string, import("./cuts.js").Wire[]>} */
const FORGETS = { learnt: [], one: ["f1"], zero: ["f0"] };
const MOST_STARTS = 9999;
/** What the fields say at first. */
const FIRST = { T: "12", hidden: "32", rate: "0.03", clip: String(DEFAULTS.max_grad_norm), forget: "learnt", softmax: "once" };

/** What the address says, or else what is good to begin with. */
export function fromAddress() {
  const one = (/** @type {string} */ name, /** @type {number[]} */ all, /** @type {number} */ otherwise) =>
    all.find((value) => String(value) === remembered(name)) ?? otherwise;
  const start = Number(remembered("start") ?? 1);
  return {
    length: one("T", LENGTHS, 12),
    hidden_size: one("hidden", SIZES, 32),
    settings: {
      ...DEFAULTS,
      learning_rate: one("rate", RATES, 0.03),
      max_grad_norm: one("clip", CLIPS, DEFAULTS.max_grad_norm),
      cut: { wires: FORGETS[remembered("forget") ?? ""] ?? [], from: 0 },
      softmax_twice: remembered("softmax") === "twice",
    },
    seed: Number.isInteger(start) && start > 0 && start <= MOST_STARTS ? start : 1,
  };
}

/** @typedef {ReturnType<typeof fromAddress>} State */

/** A network in training, and its record. */
export class Learner {
  /**
   * @param {"lstm" | "rnn"} kind
   * @param {State} state
   */
  constructor(kind, state) {
    this.uniform = uniformFrom(1000 + state.seed); // both networks see the same palindromes
    this.network = new (kind === "lstm" ? TinyLSTM : TinyRNN)(
      state.hidden_size, uniformFrom(state.seed), state.settings,
    );
    this.palindromes = new Palindromes(state.length);
    this.test = this.palindromes.test(uniformFrom(0), NUM_TEST);
    this.step = 0;
    this.seconds = 0;
    /** @type {number | null} */
    this.first_right = null;
    /** @type {number | null} */
    this.reached = null;
    /** @type {{step: number, loss: number, accuracy: number}[]} */
    this.record = [];
    this.loss = 0;
    this.norm = 0;
    this.accuracy = this.evaluate();
  }

  evaluate() {
    const accuracy = this.network.accuracy(this.test);
    if (this.step > 0) this.record.push({ step: this.step, loss: this.loss, accuracy });
    if (accuracy >= GOAL) this.reached ??= this.seconds;
    return accuracy;
  }

  /** One step of training, on palindromes that are not in the test. */
  advance() {
    const start = performance.now();
    const batch = Array.from({ length: BATCH_SIZE }, () => this.palindromes.draw(this.uniform, false));
    const { loss, norm } = this.network.step(batch);
    this.step++;
    this.loss = this.step === 1 ? loss : 0.9 * this.loss + 0.1 * loss;
    this.norm = norm;
    this.seconds += (performance.now() - start) / 1000;
    if (this.first_right === null && this.network.accuracy(this.test.slice(0, 1)) === 1) {
      this.first_right = this.seconds;
    }
    if (this.step % EVALUATE_EVERY === 0 || this.step === 1) this.accuracy = this.evaluate();
  }
}

const TITLES = /** @type {const} */ ({ lstm: "LSTM", rnn: "RNN" });

export function trainer() {
  const state = fromAddress();
  /** @type {Record<string, Learner>} */
  let learners = {};
  let running = false;
  let turn = 0;

  const start = button("", () => (running ? stop() : go()), { class: "primary" });
  const parts = Object.fromEntries(
    Object.entries(TITLES).map(([kind, title]) => {
      const accuracy = el("b", {});
      const facts = el("p", { class: "facts" });
      const chart = el("canvas", { class: "chart", role: "img" });
      const example = el("p", { class: "example" });
      const maps = el("div", { class: "maps small" });
      const flow = el("canvas", { class: "chart", role: "img" });
      const arrives = el("p", { class: "legend" });
      const view = el("div", { class: "learner" },
        el("h2", {}, title, " ", accuracy, el("small", {}, t(" of unseen palindromes right"))),
        facts, chart,
        el("p", { class: "legend" }, el("span", { class: "line-c" }, t("accuracy")), el("span", { class: "line-f" }, t("loss")),
          el("span", { class: "line-floor" }, t("loss of a guess, 2.30"))),
        example, maps, flow, arrives);
      return [kind, { accuracy, facts, chart, example, maps, flow, arrives, view }];
    }),
  );

  function stop() {
    running = false;
    start.textContent = t("Go on");
  }

  function go() {
    if (running) return;
    running = true;
    start.textContent = t("Pause");
    requestAnimationFrame(work);
  }

  function work() {
    if (!running || !view.checkVisibility()) return stop();
    const until = performance.now() + WORK;
    const kinds = Object.keys(learners);
    while (performance.now() < until) learners[kinds[turn++ % kinds.length]].advance();
    draw();
    setTimeout(() => requestAnimationFrame(work));
  }

  function restart() {
    running = false;
    learners = { lstm: new Learner("lstm", state), rnn: new Learner("rnn", state) };
    start.textContent = t("Start");
    draw();
    tour.look();
  }

  function draw() {
    for (const [kind, learner] of Object.entries(learners)) {
      const { accuracy, facts, chart, example } = parts[kind];
      const last = learner.record[learner.record.length - 1];
      accuracy.textContent = percent(learner.accuracy);
      accuracy.className = learner.accuracy >= GOAL ? "good" : "";
      facts.textContent = [
        t("step %(step)s, %(seconds)s s", { step: number(learner.step), seconds: number(learner.seconds, 1) }),
        last ? t("loss %(loss)s, gradient %(norm)s", { loss: number(learner.loss, 2), norm: number(learner.norm, 1) }) : "",
        learner.first_right === null ? "" : t("a first one right after %(seconds)s s", { seconds: number(learner.first_right, 1) }),
        learner.reached === null ? "" : t("99% after %(seconds)s s", { seconds: number(learner.reached, 1) }),
      ].filter(Boolean).join(" · ");
      drawRecord(chart, learner);
      const palindrome = learner.test[0];
      learner.network.learn(palindrome); // for its gradient; a step of training begins with none
      const states = learner.network.read(palindrome.slice(0, -1));
      const answer = argmax(learner.network.readout(states[states.length - 1]));
      const right = answer === palindrome[palindrome.length - 1];
      example.replaceChildren(
        t("An unseen one: %(digits)s, and then", { digits: palindrome.slice(0, -1).join(" ") }), " ",
        el("b", { class: right ? "good" : "bad" }, `${answer} ${right ? "✓" : "✗"}`));
      drawStates(kind, learner);
      drawFlow(kind, learner.network.flow);
    }
  }

  /**
   * How the gradient of the example's loss comes back, as a share of what sets out at the last step.
   * @param {string} kind
   * @param {Float64Array} norms
   */
  function drawFlow(kind, norms) {
    const { flow, arrives } = parts[kind];
    const width = flow.clientWidth || 300;
    const height = 40;
    const context = prepare(flow, width, height);
    const shares = [...norms].map((norm) => norm / norms[norms.length - 1]);
    const most = Math.max(1, ...shares);
    context.fillStyle = colour("line");
    for (let decade = 0; decade < DECADES; decade += 3) context.fillRect(0, (decade / DECADES) * height, width, 0.5);
    context.fillStyle = colour("error");
    shares.forEach((share, k) => {
      const tall = height * Math.max(0, 1 + Math.log10(share / most) / DECADES);
      context.fillRect((k * width) / shares.length + 0.5, height - tall, width / shares.length - 1, tall);
    });
    const values = { what: kind === "lstm" ? "c" : "h", share: magnitude(shares[0]) };
    arrives.replaceChildren(el("span", { class: "error" }, shares[0] < VANISHES
      ? t("gradient with respect to %(what)s after each step, sent back: vanishing, %(share)s of it is left at step 1", values)
      : t("gradient with respect to %(what)s after each step, sent back: %(share)s times as much at step 1", values)), " ", t("from line to line a factor of 1,000"));
    flow.setAttribute("aria-label", arrives.textContent ?? "");
  }

  /**
   * Gates and states of the example: a row for each cell, a column for each step.
   * @param {string} kind
   * @param {Learner} learner
   */
  function drawStates(kind, learner) {
    const states = /** @type {Record<string, Float64Array[]>} */ (learner.network.states);
    const names = kind === "lstm" ? ["g", "i", "f", "o", "c", "h"] : ["h"];
    const { maps } = parts[kind];
    if (maps.children.length !== names.length) {
      maps.replaceChildren(...names.map((name) => el("figure", {}, el("figcaption", {}, name), el("canvas", { class: "matrix" }))));
    }
    names.forEach((name, k) => {
      const canvas = /** @type {HTMLCanvasElement} */ (maps.children[k].querySelector("canvas"));
      const gate = name === "i" || name === "f" || name === "o";
      const low = gate ? 0 : name === "c" ? -3 : -1;
      drawMatrix(canvas, states[name].length, state.hidden_size, (x, y) => states[name][x][y],
        gate ? name : "signed", low, gate ? 1 : -low);
    });
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Learner} learner
   */
  function drawRecord(canvas, learner) {
    const width = canvas.clientWidth || 300;
    const height = 130;
    const context = prepare(canvas, width, height);
    const last = Math.max(learner.step, 50);
    const x = (/** @type {number} */ step) => (width * step) / last;
    const y = (/** @type {number} */ share) => height - 4 - (height - 8) * Math.min(1, Math.max(0, share));
    context.strokeStyle = colour("line");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, y(Math.log(10) / 3));
    context.lineTo(width, y(Math.log(10) / 3));
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 2;
    for (const [name, scale] of /** @type {const} */ ([["loss", 3], ["accuracy", 1]])) {
      context.strokeStyle = colour(name === "loss" ? "line-f" : "line-c");
      context.beginPath();
      for (const entry of learner.record) context.lineTo(x(entry.step), y(entry[name] / scale));
      context.stroke();
    }
    const entry = learner.record[learner.record.length - 1];
    canvas.setAttribute("aria-label", entry
      ? t("accuracy %(accuracy)s, loss %(loss)s", { accuracy: percent(entry.accuracy), loss: number(entry.loss, 2) })
      : t("nothing learnt yet"));
  }

  const forgets = () => Object.keys(FORGETS).find((name) => FORGETS[name].join() === state.settings.cut.wires.join()) ?? "learnt";

  function changed() {
    const { length, hidden_size, seed, settings } = state;
    remember({
      T: length, hidden: hidden_size, rate: settings.learning_rate, clip: settings.max_grad_norm,
      forget: forgets(), softmax: settings.softmax_twice ? "twice" : "once", start: seed,
    });
  }

  /** @param {() => void} change */
  const again = (change) => {
    const was = running;
    change();
    changed();
    restart();
    if (was) go();
  };
  /** @type {(values: number[]) => [string, string][]} */
  const options = (values) => values.map((value) => [String(value), value ? String(value) : t("not clipped")]);
  const fields = {
    T: select(options(LENGTHS), String(state.length), (value) => again(() => { state.length = Number(value); })),
    hidden: select(options(SIZES), String(state.hidden_size), (value) => again(() => { state.hidden_size = Number(value); })),
    rate: select(options(RATES), String(state.settings.learning_rate), (value) => { state.settings.learning_rate = Number(value); changed(); }),
    clip: select(options(CLIPS), String(state.settings.max_grad_norm), (value) => { state.settings.max_grad_norm = Number(value); changed(); }),
    forget: select([["learnt", t("learnt")], ["one", t("always 1")], ["zero", t("always 0: forgets all")]],
      forgets(), (value) => again(() => { state.settings.cut = { wires: FORGETS[value], from: 0 }; })),
    softmax: select([["once", t("once")], ["twice", t("twice, by mistake")]], state.settings.softmax_twice ? "twice" : "once",
      (value) => again(() => { state.settings.softmax_twice = value === "twice"; })),
  };
  const controls = el("div", { class: "controls knobs" },
    el("div", { class: "buttons" }, start, button(t("Start again"), () => again(() => { state.seed = (state.seed % MOST_STARTS) + 1; }))),
    labelled("T", fields.T), labelled(t("Hidden size"), fields.hidden), labelled(t("Learning rate"), fields.rate),
    labelled(t("Gradient at most"), fields.clip), labelled(t("Forget gate (3)"), fields.forget), labelled("Softmax (8)", fields.softmax));

  /**
   * Set the controls, all others as they are at first, and train from the first start.
   * @param {Partial<Record<keyof typeof fields, string>>} changes
   */
  function put(changes) {
    stop();
    state.seed = 1;
    const all = { ...FIRST, ...changes };
    for (const [name, field] of Object.entries(fields)) {
      field.value = all[/** @type {keyof typeof fields} */ (name)];
      field.dispatchEvent(new Event("change"));
    }
    go();
  }

  /**
   * @param {string} text
   * @param {Partial<Record<keyof typeof fields, string>>} changes
   */
  const hint = (text, changes) => el("li", {}, text, " ", button(t("Try it"), () => put(changes)));
  const tour = asks({
    text: t("Predict: this sets the forget gate to 0 and T to 8, and trains. How many palindromes does the LSTM complete after %(seconds)s seconds?", { seconds: SECONDS }),
    choices: [t("nearly all"), t("some"), t("hardly more than a guess")],
    act: async () => {
      put({ T: "8", forget: "zero" });
      const asked = learners.lstm;
      await new Promise((done) => setTimeout(done, 1000 * SECONDS));
      const { lstm, rnn } = learners;
      if (lstm !== asked) return { right: 0, because: () => "" };
      const { accuracy, step } = lstm;
      const values = { share: percent(accuracy), step: number(step), other: percent(rnn.accuracy), steps: number(rnn.step) };
      return {
        right: accuracy >= 0.9 ? 0 : accuracy <= 0.2 ? 2 : 1,
        because: () => learners.lstm !== lstm ? "" : t("After %(step)s steps the LSTM completed %(share)s of unseen palindromes; the RNN completed %(other)s after %(steps)s steps. With f = 0 the cell state keeps nothing. All must go round through h, as in an RNN, and here through the gates i and o as well: they are half open at first and halve it at every step. In the gate microscope f is cut after the training, here before it.", values),
      };
    },
  });

  const view = el("div", {}, tour.view,
    controls,
    el("div", { class: "learners" }, ...Object.values(parts).map((part) => part.view)),
    el("p", { class: "task" }, t("Both networks start from random weights and learn here, in your browser. They see the same palindromes and learn by RMSProp and backpropagation through time. One left half in five is kept for the test: nothing that they are asked was shown to them before.")),
    el("h2", {}, t("Break it")),
    el("ul", {},
      hint(t("T = 12 and a learning rate of 0.03, the first ten starts, in two JavaScript engines that round differently: the LSTM got to 99% within 400 steps in nine or all of them. The RNN got there in none within 600 steps: its best was 14% to 90%, by luck. At 0.003 both got there in each of the first three starts, after 80 to 310 steps. Clipping changes little, because RMSProp divides each gradient by its usual size."), {}),
      hint(t("Train with f = 0: the forget gate is always 0, and the cell state keeps nothing. Only h is left to carry the digit. How far does the LSTM get at T = 8, beside an RNN?"), { T: "8", forget: "zero" }),
      hint(t("Softmax twice: even if all answers are right, the loss cannot fall below 1.46, and the network learns more slowly."), { softmax: "twice" }),
      hint(t("At T = 5 and a learning rate of 0.001 the RNN is the quicker one: it has a quarter of the weights, and four steps are not long. At T = 20 and 0.003, does it get there at every new start?"), { T: "5", rate: "0.001" })));
  restart();
  return {
    view,
    show() {
      draw();
      if (!remembered("run")) return;
      remember({ run: "" });
      go();
    },
  };
}
