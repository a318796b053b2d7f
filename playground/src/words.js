/** The words of the pages, each defined where it stands, and the equations. */

import { el, t } from "./dom.js";

/** @returns {Record<string, string>} */
const DEFINITIONS = () => ({
  T: t("T is the length of the palindrome with its last digit. The network reads the T − 1 digits before it."),
  curriculum: t("A curriculum is a training that begins with short palindromes, T = 5, and makes them longer as soon as the network completes nearly all of them."),
  plain: t("Plain is a training without a curriculum: every palindrome has the same length from the first step of the training to the last."),
  hidden: t("The hidden state h is what the cell puts out after each step and reads again at the next one. The answer is computed from it."),
  cell: t("The cell state c is what an LSTM carries from step to step beside h. Only the gates change it: equation (5)."),
  gate: t("A gate is a number from 0 to 1 that multiplies what passes: 0 stops it, 1 lets all of it through."),
  unit: t("A unit is one place of h and of c. Each unit has gates of its own."),
  gradient: t("The gradient says how much the loss changes if a number changes a little. It is computed from the last step back to the first, and training follows it."),
  logit: t("A logit is a score before it becomes a probability. Of the ten logits (7) softmax (8) makes ten probabilities. A discriminator has one: above 0 it says real."),
  G: t("G is the generator: a network that turns random numbers z into an image or a point."),
  D: t("D is the discriminator: a network that gives a high logit to what it takes for real."),
  z: t("z is a list of random numbers. Each z gives one image, and near z give similar images."),
  collapse: t("Mode collapse: whatever z is, the generator makes nearly the same."),
  auc: t("The AUC is how often D gives the real one of two images, one real and one generated, the higher logit. 0.5 is a guess."),
});

let count = 0;

/**
 * A text as elements: {gate|gates} stands for the word "gates" with the definition of a gate, and
 * what stands between back-quotes is code.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function defined(text) {
  const definitions = DEFINITIONS();
  return text.split(/(\{[^}]+\}|`[^`]+`)/).map((part, k) => {
    if (k % 2 === 0) return part;
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    const [name, word] = part.slice(1, -1).split("|");
    const id = `term-${count++}`;
    return el("dfn", { class: "term", tabIndex: 0, "aria-describedby": id, onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") /** @type {HTMLElement} */ (event.currentTarget).blur();
    } }, word, el("span", { role: "tooltip", id }, definitions[name]));
  });
}

/**
 * A formula in which "_" puts the letters after it below the line.
 * @param {string} text
 */
const lowered = (text) => [...text.matchAll(/_(\w+)|[^_]+/g)].map(([whole, lower]) => (lower ? el("sub", {}, lower) : whole));

/** The eight equations of the assignment, to be opened. */
export function equations() {
  const lines = [
    ["(1)", "g(t) = tanh(W_gx x(t) + W_gh h(t−1) + b_g)", t("new content, also called input modulation")],
    ["(2)", "i(t) = σ(W_ix x(t) + W_ih h(t−1) + b_i)", t("input gate: how much of g is written")],
    ["(3)", "f(t) = σ(W_fx x(t) + W_fh h(t−1) + b_f)", t("forget gate: how much of c is kept")],
    ["(4)", "o(t) = σ(W_ox x(t) + W_oh h(t−1) + b_o)", t("output gate: how much of c is shown")],
    ["(5)", "c(t) = g(t) × i(t) + c(t−1) × f(t)", t("cell state")],
    ["(6)", "h(t) = tanh(c(t)) × o(t)", t("hidden state")],
    ["(7)", "p(t) = W_ph h(t) + b_p", t("ten logits")],
    ["(8)", "ỹ(t) = softmax(p(t))", t("ten probabilities; the most probable digit is the answer")],
    ["RNN", "h(t) = tanh(W_hx x(t) + W_hh h(t−1) + b_h)", t("an RNN has this in place of (1) to (6)")],
  ];
  return el("details", { class: "eight" }, el("summary", {}, t("The equations (1) to (8)")),
    el("dl", {}, ...lines.flatMap(([name, text, meaning]) => [el("dt", {}, name), el("dd", {}, ...lowered(text), el("small", {}, meaning))])),
    el("p", { class: "note" }, t("x(t): the digit that is read, as ten numbers of which one is 1. σ: the sigmoid, from 0 to 1. ×: unit by unit. W and b are learnt.")));
}

/**
 * How one's own network gets into a page.
 * @param {string} command that shows a folder of exports
 */
export const yourOwn = (command) => el("p", { class: "own" },
  el("b", {}, t("How do I get my own network in here?")), " ",
  t("In the folder of your assignment:"), " ", el("code", {}, "toolkit export . --out mine"), " ", t("and then"), " ", el("code", {}, command), ". ",
  ...defined(t("`toolkit` is the program of the repository that this page comes from: clone it and run `python -m pip install -e .` there, as its README says.")));
