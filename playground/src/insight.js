/** How the networks behave, in sentences that are said only where the numbers bear them out. */

import { magnitude, number, percent, t } from "./dom.js";
import { brokenMirror } from "./palindromes.js";
import { NUM_ASKED } from "./reading.js";
import { titles, VANISHES } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./reading.js").Source["networks"]} Networks */

const PERIODS = 3; // that must be there before it is called a clock
const LONGEST = 200; // steps of a period
const SAME = 0.7; // of its answers are those of a period before
const LATE = 0.5; // of the steps: who says the first digit only from then on has not held it ready

const AS_WELL = 0.03; // of 500 palindromes: no difference
export const GUESSES = 0.2; // a guess is right in a tenth
const GROWS = 1.5; // times: the cell is written on

/** @param {number[]} shares */
function range(shares) {
  const [low, high] = [Math.min(...shares), Math.max(...shares)].map(percent);
  return low === high ? low : t("%(low)s to %(high)s", { low, high });
}

/**
 * Like against like: what the manifest says of all four, at the plain ones' own length and at others,
 * in a line for each.
 * @param {Networks} networks
 */
export function compared({ lstm, rnn, lstm_plain, rnn_plain }) {
  const length = lstm_plain?.config.length;
  if (!lstm || !rnn || !lstm_plain || !rnn_plain || length !== rnn_plain.config.length) return "";
  const of = (/** @type {import("./reading.js").Described} */ { metrics }) => (/** @type {number} */ T) => /** @type {number[]} */ (
    metrics.accuracy_by_length_of_seeds?.[T] ?? [metrics.accuracy_by_length?.[T]].filter((share) => share !== undefined));
  const all = [lstm_plain, rnn_plain, lstm, rnn].map(of);
  const long = [100, 1000].find((T) => all.every((shares) => shares(T).length));
  if (!long || !all.every((shares) => shares(length).length)) return "";
  const [own, far] = [length, long].map((T) => all.map((shares) => shares(T)));
  const title = titles({});
  const lines = [title.lstm_plain, title.rnn_plain, title.lstm, title.rnn].map((network, k) => {
    const values = { network, length, own: range(own[k]), long: number(long), far: range(far[k]) };
    return k < 2 ? t("%(network)s: trained at T = %(length)s only, it completes %(own)s there. It completes %(far)s at T = %(long)s.", values)
      : t("%(network)s: it completes %(far)s at T = %(long)s.", values);
  });
  const measured = [t("Each was trained with %(seeds)s seeds.", { seeds: own[0].length }), ...lines].join("\n");
  return Math.min(...own[0]) > Math.max(...own[1]) && Math.min(...far[2], ...far[3]) > Math.max(...far[0], ...far[1])
    ? `${measured}\n${t("The LSTM learns more easily. The curriculum makes both general.")}` : measured;
}

/**
 * After how many steps its answers come again: the first lag at which they do, and did not before.
 * @param {number[]} answers
 * @returns {number} 0 if they do not come again, or hardly change
 */
export function cycle(answers) {
  const longest = Math.min(LONGEST, Math.floor(answers.length / PERIODS));
  let lag = 1;
  while (lag <= longest && same(answers, lag) >= SAME) lag++;
  while (lag <= longest && (same(answers, lag) < SAME || same(answers, lag) < same(answers, lag + 1))) lag++;
  return lag <= longest ? lag : 0;
}

/**
 * The share of the answers that are those of `lag` steps before.
 * @param {number[]} answers
 * @param {number} lag
 */
const same = (answers, lag) =>
  answers.slice(lag).filter((answer, k) => answer === answers[k]).length / (answers.length - lag);

/**
 * @param {number[]} digits
 * @param {Record<string, import("./reading.js").Reading>} read
 * @param {Networks} networks
 * @returns {string[]} sentences
 */
export function habits(digits, read, networks) {
  const names = /** @type {Name[]} */ (Object.keys(networks));
  const title = titles(networks);
  return names.flatMap((name) => {
    const network = title[name];
    const holds = read[name].answers.map((answer) => Number(answer === digits[0]));
    const steps = cycle(read[name].answers);
    if (steps) {
      const times = holds.reduce((sum, hold) => sum + hold, 0);
      return [
        t("%(network)s repeats itself: %(share)s of its answers are the same as %(steps)s steps before.", { network, steps, share: percent(same(read[name].answers, steps)) }),
        !times ? t("It never says the first digit.") : holds[holds.length - 1]
          ? t("It says the first digit at %(times)s of %(count)s steps, also at the last.", { times: number(times), count: number(holds.length) })
          : t("It says the first digit at %(times)s of %(count)s steps, but not at the last.", { times: number(times), count: number(holds.length) }),
      ];
    }
    const from = holds.lastIndexOf(0) + 2;
    const { length, curriculum } = /** @type {import("./reading.js").Described} */ (networks[name]).config;
    if (!curriculum && digits.length >= length && holds[length - 2] && !holds[holds.length - 1]) {
      const [start, end] = [holds.lastIndexOf(0, length - 2) + 2, holds.indexOf(0, length - 2)];
      return [t("%(network)s says the first digit from step %(from)s to %(to)s and not at the end. In its training it was asked there, at T = %(length)s: it has learnt when it will be asked.", { network, from: number(start), to: number(end), length: number(length) })];
    }
    return !curriculum && length === digits.length + 1 && brokenMirror(digits) < 0 && from > LATE * length && from < length
      ? [t("%(network)s says the first digit steadily from step %(from)s on, and not before: it has learnt when it will be asked.", { network, from: number(from) })]
      : [];
  });
}

/** What a cut costs a network: the share of other palindromes that are right with it. */
export const cutCosts = {
  /** @param {number} after */
  short: (after) => t("%(share)s of %(count)s", { share: percent(after), count: NUM_ASKED }),
  /**
   * @param {Name} name
   * @param {string} cut
   * @param {number} before
   * @param {number} after
   * @param {Networks} networks
   */
  long: (name, cut, before, after, networks) => {
    const values = { network: titles(networks)[name], cut, before: percent(before), after: percent(after), count: NUM_ASKED };
    return before - after <= AS_WELL ? t("With %(cut)s, %(network)s does as well: it completes %(after)s of %(count)s palindromes, and %(before)s uncut.", values)
      : after <= GUESSES ? t("With %(cut)s, %(network)s is lost: it completes %(after)s of %(count)s palindromes, and %(before)s uncut.", values)
      : t("With %(cut)s, %(network)s still completes %(after)s of %(count)s palindromes, and %(before)s uncut.", values);
  },
};

/**
 * Why a cut does what it does, as far as the equations and the counts say it.
 * @param {Name} name
 * @param {import("./cuts.js").Cut} cut
 * @param {number} before the share of palindromes that are right without it
 * @param {number} after
 * @param {Networks} networks
 */
export function because(name, { wires, from }, before, after, networks) {
  const { curriculum, length } = networks[name]?.config ?? {};
  const values = { step: from + 1, length };
  if (wires.join() === "hh") return after <= GUESSES ? t("Without its own h the RNN sees only the last digit: nothing else carries the first one.") : "";
  if (wires.join() === "f0") {
    return [
      t("With f = 0 equation (5) is c(t) = g × i: the cell state keeps nothing from step to step. What is still right came round through h."),
      after > GUESSES && curriculum && from ? t("Before step %(step)s the first digit was written into h, and g writes what h says, again and again.", values) : "",
    ].filter(Boolean).join(" ");
  }
  if (wires.join() !== "f1") return "";
  if (before - after <= AS_WELL) return t("With f = 1 equation (5) only adds: nothing is forgotten. This network loses nothing by it: it writes the same digit again at every step.");
  return !curriculum && after <= GUESSES && before > LATE
    ? t("With f = 1 equation (5) only adds: nothing is forgotten. This network was trained at T = %(length)s only, and it counts the steps until it will be asked. For that its forget gate has to move: held at 1, it miscounts.", values)
    : t("With f = 1 equation (5) only adds: nothing is forgotten.");
}

/**
 * Whether a network with an open input gate goes on writing, and needs to.
 * @param {import("./reading.js").Cells[]} states of some cells, uncut and with i = 0
 * @param {number} steps
 * @param {number} from the first step with i = 0
 * @param {number} lost share of palindromes
 */
export function writing([whole, shut], steps, from, lost) {
  const mean = (/** @type {Float32Array | undefined} */ values, /** @type {number} */ step) => {
    const found = Array.from(values ?? []).filter((_, at) => at % steps === step);
    return found.reduce((sum, value) => sum + Math.abs(value), 0) / found.length;
  };
  if (!from) return "";
  const [begin, end, held] = [mean(whole.c, from - 1), mean(whole.c, steps - 1), mean(shut.c, steps - 1)];
  const gate = mean(whole.i, steps - 1);
  const values = { step: from, begin: number(begin, 1), end: number(end, 1), held: number(held, 1), gate: number(gate, 2), count: (whole.c?.length ?? 0) / steps };
  return [
    t("Look at the %(count)s units that contribute most to the answer. Uncut, their mean |c| is %(begin)s after step %(step)s and %(end)s at the end, and their i is %(gate)s there. With i = 0 their mean |c| is %(held)s at the end.", values),
    lost <= AS_WELL && end > GROWS * begin && gate > 0.5
      ? t("Uncut, it does not shut its input gate: it goes on writing the digit. With the gate shut it holds the digit as well.") : "",
  ].filter(Boolean).join(" ");
}

/**
 * How much of the gradient arrives at the first step.
 * @param {Record<string, number[]>} norms
 * @param {number[]} digits
 * @param {Record<string, import("./reading.js").Reading>} read
 * @param {Networks} networks
 */
export function flows(norms, digits, read, networks) {
  const title = titles(networks);
  const shares = /** @type {Name[]} */ (Object.keys(networks)).map((name) => ({ name, share: norms[name][0] / norms[name][digits.length - 1] }));
  const listed = (/** @type {typeof shares} */ some) => some.map(({ name, share }) => `${title[name]} (${t("%(share)s × the last step's", { share: magnitude(share) })})`).join(t(", "));
  const [vanishing, arriving] = [shares.filter(({ share }) => share < VANISHES), shares.filter(({ share }) => share >= VANISHES)];
  const knows = vanishing.filter(({ name }) => networks[name]?.config.curriculum && read[name].answers[digits.length - 1] === digits[0]);
  return [
    vanishing.length ? t("The gradient vanishes in %(networks)s at step 1. An error at the end hardly changes what such a network does with the first digit.", { networks: listed(vanishing) }) : "",
    ...knows.map(({ name }) => t("%(network)s says the first digit all the same: it learnt that on short palindromes.", { network: title[name] })),
    arriving.length ? t("The gradient arrives in %(networks)s at step 1.", { networks: listed(arriving) }) : "",
  ].filter(Boolean).join(" ");
}

/**
 * Why a gradient need not vanish on its way back along the cells.
 * @param {Partial<Record<Name, Float32Array>>} kept f of some cells at every step
 * @param {number} count of them
 * @param {Networks} networks
 * @param {import("./cuts.js").Cut} cut
 */
export function handedOn(kept, count, networks, { wires, from }) {
  const mean = (/** @type {Float32Array} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const listed = /** @type {[Name, Float32Array][]} */ (Object.entries(kept)).map(([name, values]) => `${titles(networks)[name]} ${number(mean(values), 2)}`);
  if (!listed.length) return "";
  return wires.includes("f0")
    ? t("With f = 0 from step %(step)s on, no gradient comes back along the cell state there: what arrives has come through h.", { step: from + 1 })
    : t("Why: from (5), ∂c(t) / ∂c(t−1) = f(t). Along the cell state only f multiplies the gradient, and no matrix. Where f is near 1 the gradient survives. What comes round through h is added. The mean f of the %(count)s units that contribute most to the answer: %(list)s.", { count, list: listed.join(t(", ")) });
}

/**
 * How many of ten first digits each network says after nothing but zeros.
 * @param {Record<string, import("./reading.js").Reading>[]} found of each first digit
 * @param {Networks} networks
 */
export function onZeros(found, networks) {
  const title = titles(networks);
  const counts = /** @type {Name[]} */ (Object.keys(networks)).map((name) =>
    `${title[name]} ${found.filter((read, first) => read[name].answers[read[name].answers.length - 1] === first).length}`);
  return t("With only zeros after the first digit, so many of the ten first digits are said right: %(counts)s.", { counts: counts.join(t(", ")) });
}
