/**
 * Where the microscope's numbers come from. The page in one file has the networks itself; a demo asks
 * its server (served/gate_microscope.js).
 */

import { severed } from "./cuts.js";
import { flowBack } from "./learn.js";
import { breathe } from "./newest.js";
import { asked, draw } from "./palindromes.js";
import { argmax, softmax, uniformFrom } from "./tensors.js";

/**
 * @typedef {import("./models.js").Reader} Name
 * @typedef {{
 *   config: Record<string, any>, metrics: Record<string, any>, hidden_size: number, sha256: string,
 *   whose?: string,
 * }} Described what the manifest says of a network
 * @typedef {{answers: number[], probabilities: number[], order: number[], sizes: Partial<Record<import("./recurrent.js").StateName, number[]>>}} Reading
 *   what it would answer after every step; the probabilities (8) after the last; its units, and the
 *   first says most for the last answer; after every step the mean size of each gate and state over
 *   all units
 * @typedef {Partial<Record<import("./recurrent.js").StateName, Float32Array>>} Cells
 *   each (cells, steps)
 * @typedef {{
 *   networks: Partial<Record<Name, Described>>,
 *   most: number,
 *   first: number[],
 *   read: (digits: number[], cut: Cut) => Promise<Record<string, Reading>>,
 *   inside: (name: Name, digits: number[], cells: number[], cut: Cut) => Promise<Cells>,
 *   remembers: (digits: number[], isNewest?: () => boolean) => Promise<Record<string, number[][]>>,
 *   right: (name: Name, length: number, cut: Cut, first: number, count: number) => Promise<number>,
 *   gradient: (digits: number[], cut: Cut) => Promise<Record<string, number[]>>,
 * }} Source `most` digits can be read; `first` are shown first; `remembers` has a row for each step
 *   and in it a number for each digit up to then; `right` is how many it completes of
 *   `count` palindromes of T = length, from the one numbered `first` on; `gradient` has after each step |d loss / d c| of an LSTM, |d loss / d h| of an RNN,
 *   where the loss is that of the first digit as the answer
 * @typedef {import("./cuts.js").Cut} Cut
 */

export const NUM_ASKED = 500;
export const AT_ONCE = 50; // of them: the first already give an estimate
export const MOST_ASKED = 100; // T up to which they are asked: the work grows with it

/** Digits of which each is replaced, to see what is remembered: the work grows with their square. */
export const MOST_REPLACED = 60;
const MOST = 5000; // as `MAX_DIGITS` in demos/gate_microscope/events.py
const WORK = 30; // milliseconds between two pictures

/**
 * The networks of those that there are, in the order in which they are shown: like beside like.
 * @param {Partial<Record<string, unknown>>} networks
 */
export const shown = (networks) =>
  /** @type {Name[]} */ (["lstm_mine", "rnn_mine", "lstm", "rnn", "lstm_plain", "rnn_plain"]).filter((name) => networks[name]);

/**
 * A palindrome at which the plain RNN fails, if a few tries find one: the first to be shown. It is as
 * long as those that somebody's own network was trained on.
 * @param {import("./models.js").Networks} networks
 * @param {Record<string, import("./models.js").Model>} models
 */
function firstExample({ rnn_plain }, { lstm_mine, rnn_mine }) {
  const uniform = uniformFrom(0);
  const length = (lstm_mine ?? rnn_mine)?.config.length;
  let digits = draw(length > 2 && length <= MOST ? length : 36, uniform);
  for (let k = 0; rnn_plain && k < 20; k++) {
    if (argmax(rnn_plain.forward(digits)) !== digits[0]) break;
    digits = draw(digits.length + 1, uniform);
  }
  return digits;
}

/**
 * The cells that say most for the answer first: |h W_p|, against the mean digit.
 * @param {import("./models.js").Recurrent} network
 * @param {Float32Array} h (hidden_size) after the last step
 * @param {number} answer
 */
function tellingCells({ readout_weight, hidden_size }, h, answer) {
  const says = Array.from(h, (value, j) => {
    let mean = 0;
    for (let digit = 0; digit < 10; digit++) mean += readout_weight[digit * hidden_size + j] / 10;
    return Math.abs(value * (readout_weight[answer * hidden_size + j] - mean));
  });
  return says.map((_, j) => j).sort((a, b) => says[b] - says[a]);
}

/**
 * Which digits the memory, c(t) of an LSTM or h(t) of an RNN, holds after each step: each digit is
 * replaced by the nine others, one after the other. See demos/gate_microscope/memory.py.
 * @param {import("./models.js").Recurrent} network
 * @param {number[]} digits
 * @param {() => boolean} isNewest it stops where nobody waits for it any more
 * @returns {Promise<number[][]>} for step t and digit k <= t the mean distance over the nine, divided
 *   by the length of the memory's own vector
 */
async function remembered(network, digits, isNewest) {
  const size = network.hidden_size;
  const projected = network.projections();
  let own = network.start();
  /** @type {Float32Array[]} */
  let replaced = own.map(() => new Float32Array());
  /** @type {number[][]} */
  const rows = [];
  let worked = performance.now();
  for (let t = 0; t < digits.length; t++) {
    const others = Array.from({ length: 10 }, (_, d) => d).filter((d) => d !== digits[t]);
    const read = [...new Array(9 * t).fill(digits[t]), ...others];
    replaced = replaced.map((states, k) => {
      const longer = new Float32Array(states.length + 9 * size);
      longer.set(states);
      for (let row = 0; row < 9; row++) longer.set(own[k], states.length + row * size);
      return longer;
    });
    replaced = network.next(projected, read, replaced);
    own = network.next(projected, [digits[t]], own);
    const [mine, theirs] = [own, replaced].map((states) => states[states.length - 1]);
    const norm = Math.hypot(...mine);
    rows.push(Array.from({ length: t + 1 }, (_, k) => {
      let sum = 0;
      for (let row = 9 * k; row < 9 * (k + 1); row++) {
        let square = 0;
        for (let j = 0; j < size; j++) square += (theirs[row * size + j] - mine[j]) ** 2;
        sum += Math.sqrt(square);
      }
      return sum / 9 / norm;
    }));
    if (performance.now() - worked > WORK) {
      await breathe();
      if (!isNewest()) break;
      worked = performance.now();
    }
  }
  return rows;
}

/**
 * @param {Float32Array} values (steps, size)
 * @param {number} size
 * @returns {number[]} after each step the mean size
 */
const meanSizes = (values, size) => Array.from({ length: values.length / size }, (_, t) =>
  values.subarray(t * size, (t + 1) * size).reduce((sum, value) => sum + Math.abs(value), 0) / size);

/**
 * @param {import("./models.js").Networks} networks
 * @param {Record<string, import("./models.js").Model>} models
 * @returns {Source}
 */
export function localSource(networks, models) {
  const names = shown(networks);
  const network = (/** @type {Name} */ name) =>
    /** @type {import("./models.js").Recurrent} */ (networks[name]);
  let traced = "";
  /** @type {Record<string, import("./recurrent.js").Trace>} */
  let traces = {};

  /**
   * @param {number[]} digits
   * @param {Cut} cut
   */
  function trace(digits, cut) {
    const key = `${digits.join("")} ${cut.wires} ${cut.from}`;
    if (key !== traced) traces = Object.fromEntries(names.map((name) => [name, network(name).trace(digits, cut)]));
    traced = key;
    return traces;
  }

  return {
    networks: Object.fromEntries(names.map((name) => [name, {
      config: models[name].config, metrics: models[name].metrics, sha256: models[name].sha256, whose: models[name].whose, hidden_size: network(name).hidden_size,
    }])),
    most: MOST,
    first: firstExample(networks, models),
    read: async (digits, cut) => Object.fromEntries(names.map((name) => {
      const { h } = trace(digits, cut)[name];
      const logits = network(name).logitsOf({ h });
      const answers = logits.map(argmax);
      const last = answers.length - 1;
      const size = network(name).hidden_size;
      return [name, {
        answers,
        probabilities: softmax(logits[last]),
        order: tellingCells(network(name), h.subarray(last * size), answers[last]),
        sizes: Object.fromEntries(Object.entries(trace(digits, cut)[name]).map(([state, values]) => [state, meanSizes(values, size)])),
      }];
    })),
    inside: async (name, digits, cells, cut) => {
      const size = network(name).hidden_size;
      return Object.fromEntries(Object.entries(trace(digits, cut)[name]).map(([quantity, values]) => {
        const chosen = new Float32Array(cells.length * digits.length);
        cells.forEach((cell, row) => {
          for (let t = 0; t < digits.length; t++) chosen[row * digits.length + t] = values[t * size + cell];
        });
        return [quantity, chosen];
      }));
    },
    remembers: async (digits, isNewest = () => true) => {
      /** @type {Record<string, number[][]>} */
      const found = {};
      for (const name of names) found[name] = await remembered(network(name), digits, isNewest);
      return found;
    },
    right: async (name, length, cut, first, count) => {
      const reader = network(name);
      const palindromes = asked(length, first + count).slice(first);
      const projected = reader.projections();
      /** @type {Float32Array[]} */
      let states = reader.start().map(() => new Float32Array(count * reader.hidden_size));
      let worked = performance.now();
      for (let t = 0; t < length - 1; t++) {
        states = reader.next(projected, palindromes.map((palindrome) => palindrome[t]), states, severed(cut, t));
        if (performance.now() - worked < WORK) continue;
        await breathe();
        worked = performance.now();
      }
      const size = reader.hidden_size;
      return palindromes.filter((palindrome, n) =>
        argmax(reader.logits(states[0].subarray(n * size, (n + 1) * size))) === palindrome[length - 1]).length;
    },
    gradient: async (digits, cut) => Object.fromEntries(names.map((name) =>
      [name, flowBack(network(name), [...digits, digits[0]], cut)])),
  };
}
