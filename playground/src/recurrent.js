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
 * The RNN has h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h) in place of (1) to (6).
 */

import { fromHalf, product, sigmoid } from "./tensors.js";

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
    this.bias = weights["cell.bias"];
    this.readout_weight = weights["readout.weight"];
    this.readout_bias = weights["readout.bias"];
  }

  /**
   * W_x x + b for each of the ten digits: computed ten times and looked up at every step.
   * @returns {Float32Array[]} ten rows of pre-activations
   */
  projections() {
    return Array.from({ length: 10 }, (_, digit) => {
      const x = this.one_hot ? new Float32Array(10) : Float32Array.of(digit);
      if (this.one_hot) x[digit] = 1;
      return product(this.weight_ih, this.bias, x);
    });
  }

  /**
   * The logits (7) after one step.
   * @param {Float32Array} h (hidden_size)
   */
  logits(h) {
    return product(this.readout_weight, this.readout_bias, h);
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
   * @param {ArrayLike<number>} digits
   * @returns {Trace}
   */
  trace(digits) {
    throw new Error(`trace is not defined for ${digits.length} digits`);
  }

  /**
   * Several sequences, each one digit further.
   * @param {Float32Array[]} projected of the ten digits
   * @param {number[]} digits one for each sequence
   * @param {Float32Array[]} states h and, of an LSTM, c: each (sequences, hidden_size)
   * @returns {Float32Array[]} the next ones
   */
  next(projected, digits, states) {
    throw new Error(`next is not defined for ${projected.length}, ${digits.length}, ${states.length}`);
  }

  /**
   * The states before the first digit: h and, of an LSTM, c.
   * @returns {Float32Array[]}
   */
  start() {
    return [new Float32Array(this.hidden_size)];
  }
}

export class LSTM extends Recurrent {
  kind = "lstm";

  /**
   * Every gate and state at every step.
   * @override
   * @param {ArrayLike<number>} digits values 0 to 9
   */
  trace(digits) {
    const size = this.hidden_size;
    const length = digits.length;
    const projected = this.projections();
    const [i, f, g, o, c, h] = Array.from({ length: 6 }, () => new Float32Array(length * size));
    let h_before = new Float32Array(size);
    let c_before = new Float32Array(size);
    for (let t = 0; t < length; t++) {
      // The rows of the stacked weights are those of i, f, g, o, in PyTorch's order.
      const a = product(this.weight_hh, projected[digits[t]], h_before);
      for (let j = 0, at = t * size; j < size; j++, at++) {
        g[at] = Math.tanh(a[2 * size + j]); // (1)
        i[at] = sigmoid(a[j]); // (2)
        f[at] = sigmoid(a[size + j]); // (3)
        o[at] = sigmoid(a[3 * size + j]); // (4)
        c[at] = g[at] * i[at] + c_before[j] * f[at]; // (5)
        h[at] = Math.tanh(c[at]) * o[at]; // (6)
      }
      c_before = c.subarray(t * size, (t + 1) * size);
      h_before = h.subarray(t * size, (t + 1) * size);
    }
    return { i, f, g, o, c, h };
  }

  /** @override */
  start() {
    return [new Float32Array(this.hidden_size), new Float32Array(this.hidden_size)];
  }

  /**
   * @override
   * @param {Float32Array[]} projected
   * @param {number[]} digits
   * @param {Float32Array[]} states
   */
  next(projected, digits, [h_before, c_before]) {
    const size = this.hidden_size;
    const count = digits.length;
    const a = product(this.weight_hh, new Float32Array(4 * size), h_before, count); // (4 size, count)
    const [h, c] = [new Float32Array(count * size), new Float32Array(count * size)];
    for (let n = 0; n < count; n++) {
      const x = projected[digits[n]];
      for (let j = 0, at = n * size; j < size; j++, at++) {
        const gate = (/** @type {number} */ k) => x[k * size + j] + a[(k * size + j) * count + n];
        c[at] = Math.tanh(gate(2)) * sigmoid(gate(0)) + c_before[at] * sigmoid(gate(1)); // (5)
        h[at] = Math.tanh(c[at]) * sigmoid(gate(3)); // (6)
      }
    }
    return [h, c];
  }
}

export class RNN extends Recurrent {
  kind = "rnn";

  /**
   * The hidden state, its only memory, at every step.
   * @override
   * @param {ArrayLike<number>} digits values 0 to 9
   */
  trace(digits) {
    const size = this.hidden_size;
    const projected = this.projections();
    const h = new Float32Array(digits.length * size);
    let h_before = new Float32Array(size);
    for (let t = 0; t < digits.length; t++) {
      const a = product(this.weight_hh, projected[digits[t]], h_before);
      for (let j = 0; j < size; j++) h[t * size + j] = Math.tanh(a[j]);
      h_before = h.subarray(t * size, (t + 1) * size);
    }
    return { h };
  }

  /**
   * @override
   * @param {Float32Array[]} projected
   * @param {number[]} digits
   * @param {Float32Array[]} states
   */
  next(projected, digits, [h_before]) {
    const size = this.hidden_size;
    const count = digits.length;
    const a = product(this.weight_hh, new Float32Array(size), h_before, count);
    const h = new Float32Array(count * size);
    for (let n = 0; n < count; n++) {
      for (let j = 0; j < size; j++) h[n * size + j] = Math.tanh(projected[digits[n]][j] + a[j * count + n]);
    }
    return [h];
  }
}
