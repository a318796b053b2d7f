/** What a cut costs: an estimate from the first of other palindromes, then all of them. */

import { touches } from "./cuts.js";
import { breathe } from "./newest.js";
import { AT_ONCE, NUM_ASKED } from "./reading.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./cuts.js").Cut} Cut */
/** @typedef {{right: number, asked: number}} Count of palindromes */

/**
 * Half of the interval in which the share of right answers lies in 95 of 100 such samples.
 * Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
 * @param {Count} count
 * @returns {{low: number, high: number}}
 */
export function interval({ right, asked }) {
  const z = 1.96;
  const share = right / asked;
  const middle = (share + z ** 2 / (2 * asked)) / (1 + z ** 2 / asked);
  const half = (z * Math.sqrt((share * (1 - share)) / asked + z ** 2 / (4 * asked ** 2))) / (1 + z ** 2 / asked);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** @param {import("./reading.js").Source} source */
export function counting(source) {
  /** What is known of a cut, also where its counting was left. @type {Map<string, Count>} */
  const known = new Map();

  /**
   * Ask until all are asked, a few at a time, and show each count.
   * @param {Name} name
   * @param {number} length T
   * @param {Cut} cut
   * @param {(count: Count) => boolean} show false if nobody waits for more
   */
  async function count(name, length, cut, show = () => true) {
    const key = keyOf(name, length, cut);
    const found = known.get(key) ?? { right: 0, asked: 0 };
    known.set(key, found);
    if (found.asked) show(found);
    while (found.asked < NUM_ASKED) {
      const first = found.asked;
      const right = await source.right(name, length, touches(name, cut.wires) ? cut : { wires: [], from: 0 }, first, AT_ONCE);
      if (found.asked === first) Object.assign(found, { right: found.right + right, asked: first + AT_ONCE }); // else another has asked
      if (!show(found)) break;
      await breathe();
    }
    return found;
  }

  /**
   * @param {Name} name
   * @param {number} length
   * @param {Cut} cut
   */
  const keyOf = (name, length, { wires, from }) =>
    touches(name, wires) ? `${name} ${wires.filter((wire) => (wire === "hh") === name.startsWith("rnn"))} ${from + 1} ${length}` : `${name}  1 ${length}`;

  return {
    count,
    /** The share of all, once they are asked. @param {Name} name @param {number} length @param {Cut} cut */
    share: async (name, length, cut) => (await count(name, length, cut)).right / NUM_ASKED,
  };
}
