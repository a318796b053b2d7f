/** How the networks behave, in sentences that are said only where the numbers bear them out. */

import { number, percent, t } from "./dom.js";
import { brokenMirror } from "./palindromes.js";
import { titles } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./reading.js").Source["networks"]} Networks */

const PERIODS = 3; // that must be there before it is called a clock
const LONGEST = 200; // steps of a period
const SAME = 0.7; // of its answers are those of a period before
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
  const measured = t("Like against like: trained only at T = %(length)s, with %(seeds)s seeds, the LSTM gets %(lstm_own)s right there and the RNN %(rnn_own)s; at T = %(long)s they get %(lstm_far)s and %(rnn_far)s. With the curriculum they get %(lstm_curriculum)s and %(rnn_curriculum)s at T = %(long)s.", values);
  const bears = Math.min(...own[0]) > Math.max(...own[1]) && Math.min(...far[2], ...far[3]) > Math.max(...far[0], ...far[1]);
  return bears ? `${measured} ${t("So the LSTM learns more easily; it is the curriculum that makes both general.")}` : measured;
}

/**
 * After how many steps its answers come again: the first lag at which they do, and did not before.
 * @param {number[]} answers
 * @returns {number} 0 if they do not come again, or hardly change
 */
export function cycle(answers) {
  const longest = Math.min(LONGEST, Math.floor(answers.length / PERIODS));
  const same = (/** @type {number} */ lag) =>
    answers.slice(lag).filter((answer, k) => answer === answers[k]).length / (answers.length - lag);
  let lag = 1;
  while (lag <= longest && same(lag) >= SAME) lag++;
  while (lag <= longest && (same(lag) < SAME || same(lag) < same(lag + 1))) lag++;
  return lag <= longest ? lag : 0;
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
    const steps = cycle(read[name].answers);
    if (steps) {
      const times = holds.reduce((sum, hold) => sum + hold, 0);
      return [
        t("%(network)s is a clock: its answers come again about every %(steps)s steps.", { network, steps }),
        holds[holds.length - 1]
          ? t("It says the first digit at %(times)s of %(count)s steps, also at the last.", { times, count: holds.length })
          : t("It says the first digit at %(times)s of %(count)s steps, but not at the last.", { times, count: holds.length }),
      ];
    }
    const from = holds.lastIndexOf(0) + 2;
    const { length, curriculum } = /** @type {import("./reading.js").Described} */ (networks[name]).config;
    return !curriculum && length === digits.length + 1 && brokenMirror(digits) < 0 && from > LATE * length && from < length
      ? [t("%(network)s says the first digit steadily only from step %(from)s on: it has learnt when it will be asked.", { network, from })]
      : [];
  });
}
