/** How the networks behave, in sentences that are said only where the numbers bear them out. */

import { number, percent, t } from "./dom.js";
import { brokenMirror } from "./palindromes.js";
import { titles } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./reading.js").Source["networks"]} Networks */

const PERIODS = 3; // that must be there before it is called a clock
const LONGEST = 200; // steps of a period
const REGULAR = 0.5; // correlation of the answers with themselves, a period later
const LATE = 0.5; // of the steps: who says the first digit only from then on has not held it ready

/** @param {number[]} shares */
function range(shares) {
  const [low, high] = [Math.min(...shares), Math.max(...shares)].map(percent);
  return low === high ? low : t("%(low)s to %(high)s", { low, high });
}

/**
 * Like against like: what the manifest says of all four, at the plain ones' own length and at others.
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
  const values = {
    length, long: number(long), seeds: own[0].length,
    lstm_own: range(own[0]), rnn_own: range(own[1]), lstm_far: range(far[0]), rnn_far: range(far[1]),
    lstm_curriculum: range(far[2]), rnn_curriculum: range(far[3]),
  };
  const measured = t("Like against like, over %(seeds)s seeds: trained at T = %(length)s alone, the LSTM is right there in %(lstm_own)s of the cases and the RNN in %(rnn_own)s; at T = %(long)s it is %(lstm_far)s and %(rnn_far)s. With the curriculum it is %(lstm_curriculum)s and %(rnn_curriculum)s at T = %(long)s.", values);
  const bears = Math.min(...own[0]) > Math.max(...own[1]) && Math.min(...far[2], ...far[3]) > Math.max(...far[0], ...far[1]);
  return bears ? `${measured} ${t("So the LSTM learns more easily, and the curriculum makes what is learnt hold at other lengths, for both.")}` : measured;
}

/**
 * The period with which something comes and goes: the first lag at which it is again like itself.
 * @param {number[]} values
 * @returns {number} 0 if there is none
 */
export function period(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviations = values.map((value) => value - mean);
  /** @param {number} lag */
  const likeness = (lag) => {
    let [both, before, after] = [0, 0, 0];
    for (let k = lag; k < values.length; k++) {
      both += deviations[k] * deviations[k - lag];
      before += deviations[k - lag] ** 2;
      after += deviations[k] ** 2;
    }
    return both / Math.sqrt(before * after) || 0;
  };
  const longest = Math.min(LONGEST, Math.floor(values.length / PERIODS));
  // It is like itself a step later as well: first it must have become unlike.
  let lag = 1;
  while (lag <= longest && likeness(lag) > 0) lag++;
  // The first peak: twice the period would do as well.
  for (; lag <= longest; lag++) {
    if (likeness(lag) > REGULAR && likeness(lag) >= likeness(lag + 1)) return lag;
  }
  return 0;
}

/**
 * @param {number[]} digits
 * @param {Record<string, import("./reading.js").Reading>} read
 * @param {Networks} networks
 * @returns {string[]} sentences
 */
export function habits(digits, read, networks) {
  const names = /** @type {Name[]} */ (Object.keys(networks));
  const title = titles();
  return names.flatMap((name) => {
    const network = title[name];
    const holds = read[name].answers.map((answer) => Number(answer === digits[0]));
    const steps = period(holds);
    if (steps) {
      return [
        t("%(network)s is a clock: about every %(steps)s steps it would say the first digit again, at %(share)s of all steps.", { network, steps, share: percent(holds.reduce((sum, hold) => sum + hold, 0) / holds.length) }),
        holds[holds.length - 1] ? t("The last step is one of them.") : t("The last step is none of them."),
      ];
    }
    const from = holds.lastIndexOf(0) + 2;
    const { length, curriculum } = /** @type {import("./reading.js").Described} */ (networks[name]).config;
    return !curriculum && length === digits.length + 1 && brokenMirror(digits) < 0 && from > LATE * length && from < length
      ? [t("%(network)s would say the first digit steadily only from step %(from)s on: trained at T = %(length)s alone, it has learnt when it will be asked.", { network, from, length })]
      : [];
  });
}
