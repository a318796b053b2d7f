/**
 * The LSTM of the assignment and the vanilla RNN, for reading digits one after the other.
 *
 *     g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)       (1)  input modulation
 *     i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)    (2)  input gate
 *     f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)    (3)  forget gate
 *     o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)    (4)  output gate
 *     c(t) = g(t) * i(t) + c(t-1) * f(t)               (5)  cell
 *     h(t) = tanh(c(t)) * o(t)                         (6)  hidden state
 *     p(t) = W_ph h(t) + b_p                           (7)  logits
 *
 * The RNN has h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h) in place of (1) to (6). Wires can be cut: see
 * cuts.js.
 */

import { severed, WHOLE } from "./cuts.js";
import { fromHalf, keep, product, sigmoid, tanh, transposed } from "./tensors.js";

/**
 * @typedef {"i" | "f" | "g" | "o" | "c" | "h"} StateName
 * @typedef {Partial<Record<StateName, Float32Array>> & {h: Float32Array}} Trace
 *   each (length, hidden_size)
 */

/** What both have: the weights, and the readout (7). */
export class Recurrent {
  /** @param {import("./tensors.js").PackedWeights} packed */
  constructor(packed) {
    const weights = Object.fromEntries(
      Object.entries(packed).map(([name, { data }]) => [name, fromHalf(data)]),
    );
    this.hidden_size = packed["cell.weight_hh"].shape[1];
    /** Ten inputs for each digit, or its bare value. */
    this.one_hot = packed["cell.weight_ih"].shape[1] === 10;
    this.weight_ih = weights["cell.weight_ih"];
    this.weight_hh = weights["cell.weight_hh"];
    /** W_h^T of each gate: h W_h^T is W_h h for many sequences at once, each a row of h. */
    this.blocks = Array.from({ length: this.weight_hh.length / this.hidden_size ** 2 }, (_, k) =>
      keep(transposed(this.weight_hh.subarray(k * this.hidden_size ** 2, (k + 1) * this.hidden_size ** 2), this.hidden_size, this.hidden_size)));
    this.bias = weights["cell.bias"];
    this.readout_weight = weights["readout.weight"];
    this.readout_bias = weights["readout.bias"];
  }

  /**
   * W_x x + b for each of the ten digits: computed ten times and looked up at every step.
   * @returns {Float32Array[]} ten rows of pre-activations
   */
  projections() {
    return Array.from({ length: 10 }, (_, digit) => this.bias.map((b, row) =>
      b + (this.one_hot ? this.weight_ih[10 * row + digit] : this.weight_ih[row] * digit)));
  }

  /**
   * The logits (7) after one step.
   * @param {Float32Array} h (hidden_size)
   */
  logits(h) {
    return product(this.readout_weight, h, 10).map((sum, digit) => sum + this.readout_bias[digit]);
  }

  /**
   * The logits (7) after each step.
   * @param {Trace} trace
   * @returns {Float32Array[]}
   */
  logitsOf(trace) {
    const size = this.hidden_size;
    return Array.from({ length: trace.h.length / size }, (_, t) =>
      this.logits(trace.h.subarray(t * size, (t + 1) * size)),
    );
  }

  /**
   * From digits to the logits of the next one, after the last.
   * @param {ArrayLike<number>} digits
   */
  forward(digits) {
    const { h } = this.trace(digits);
    return this.logits(h.subarray(h.length - this.hidden_size));
  }

  /**
   * Every gate and state at every step.
   * @param {ArrayLike<number>} digits values 0 to 9
   * @param {import("./cuts.js").Cut} [cut]
   * @returns {Trace}
   */
  trace(digits, cut = WHOLE) {
    const projected = this.projections();
    /** @type {Record<string, Float32Array>} */
    const trace = {};
    let states = this.start();
    for (let t = 0; t < digits.length; t++) {
      const values = this.step(projected, [digits[t]], states, severed(cut, t));
      for (const [name, of_step] of Object.entries(values)) {
        (trace[name] ??= new Float32Array(digits.length * this.hidden_size)).set(of_step, t * this.hidden_size);
      }
      states = this.states.map((name) => /** @type {Float32Array} */ (values[name]));
    }
    return /** @type {Trace} */ (trace);
  }

  /**
   * Several sequences, each one digit further.
   * @param {Float32Array[]} projected of the ten digits
   * @param {number[]} digits one for each sequence
   * @param {Float32Array[]} states h and, of an LSTM, c: each (sequences, hidden_size)
   * @param {ReturnType<typeof severed>} [cut]
   * @returns {Float32Array[]} the next ones
   */
  next(projected, digits, states, cut = severed(WHOLE, 0)) {
    const values = this.step(projected, digits, states, cut);
    return this.states.map((name) => /** @type {Float32Array} */ (values[name]));
  }

  /**
   * Several sequences, each one digit further: all gates and states, each (sequences, hidden_size).
   * @param {Float32Array[]} projected
   * @param {number[]} digits
   * @param {Float32Array[]} states
   * @param {ReturnType<typeof severed>} cut
   * @returns {Trace}
   */
  step(projected, digits, states, cut) {
    throw new Error(`step is not defined for ${[projected, digits, states, cut].length}`);
  }

  /** What it hands on to the next step. @type {StateName[]} */
  get states() {
    return ["h"];
  }

  /**
   * The states before the first digit: h and, of an LSTM, c.
   * @returns {Float32Array[]}
   */
  start() {
    return this.states.map(() => new Float32Array(this.hidden_size));
  }
}

export class LSTM extends Recurrent {
  kind = "lstm";

  /** @override @type {StateName[]} */
  get states() {
    return ["h", "c"];
  }

  /**
   * @override
   * @param {Float32Array[]} projected
   * @param {number[]} digits
   * @param {Float32Array[]} states
   * @param {ReturnType<typeof severed>} cut
   */
  step(projected, digits, [h_before, c_before], { stands, deaf }) {
    const size = this.hidden_size;
    // The stacked weights are those of i, f, g, o, in PyTorch's order.
    const gates = this.blocks.map((block, k) =>
      (deaf[k] || stands[k] >= 0 ? new Float32Array(h_before.length) : product(h_before, block, digits.length)));
    for (let k = 0; k < 4; k++) {
      const squash = k === 2 ? tanh : sigmoid; // (1) to (4)
      const gate = gates[k];
      for (let n = 0, at = 0; n < digits.length; n++) {
        const x = projected[digits[n]];
        for (let row = k * size; row < (k + 1) * size; row++, at++) gate[at] = stands[k] >= 0 ? stands[k] : squash(x[row] + gate[at]);
      }
    }
    const [i, f, g, o] = gates;
    const [c, h] = [new Float32Array(c_before.length), new Float32Array(c_before.length)];
    for (let at = 0; at < c.length; at++) {
      c[at] = g[at] * i[at] + c_before[at] * f[at]; // (5)
      h[at] = tanh(c[at]) * o[at]; // (6)
    }
    return { i, f, g, o, c, h };
  }
}

export class RNN extends Recurrent {
  kind = "rnn";

  /**
   * @override
   * @param {Float32Array[]} projected
   * @param {number[]} digits
   * @param {Float32Array[]} states
   * @param {ReturnType<typeof severed>} cut
   */
  step(projected, digits, [h_before], { alone }) {
    const size = this.hidden_size;
    const h = alone ? new Float32Array(h_before.length) : product(h_before, this.blocks[0], digits.length);
    for (let at = 0; at < h.length; at++) h[at] = Math.tanh(projected[digits[Math.floor(at / size)]][at % size] + h[at]);
    return { h };
  }
}
