/**
 * A tiny LSTM and a tiny RNN that learn to complete palindromes, with their own backpropagation.
 *
 * Forwards they are equations (1) to (7) of `recurrent.js`, then
 *
 *     y~(t) = softmax(p(t))                            (8)  probabilities
 *     L     = -log y~_k, where k is the right digit    (9)  loss of the last step
 *
 * Backwards, from step T to step 1, write dv for the derivative of L with respect to v, and a_v for
 * what tanh or the sigmoid of v is taken of; y is 1 at k and 0 elsewhere:
 *
 *     dp = y~ - y                                      from (8) and (9)
 *     dh = W_ph^T dp, at the last step                 from (7)
 *     do = dh * tanh(c)                                from (6)
 *     dc = dc + dh * o * (1 - tanh(c)^2)               from (6), added to what came from step t+1
 *     dg = dc * i,  di = dc * g,  df = dc * c(t-1)     from (5)
 *     da_g = dg * (1 - g^2)                            from (1)
 *     da_v = dv * v * (1 - v), for v = i, f, o         from (2) to (4)
 *     dW = dW + da [x(t); h(t-1)]^T,  db = db + da     all steps share the weights
 *     dh(t-1) = W_h^T da                               from (1) to (4)
 *     dc(t-1) = dc * f                                 from (5): no matrix, so it need not vanish
 *
 * Where a wire is cut (cuts.js), nothing comes back through it.
 */

import { severed, WHOLE } from "./cuts.js";
import { argmax, normalFrom, sigmoid, softmax } from "./tensors.js";

/**
 * @typedef {Record<"weight_ih" | "weight_hh" | "bias" | "readout_weight" | "readout_bias",
 *   Float64Array>} Parameters
 * @typedef {{
 *   cut: import("./cuts.js").Cut, softmax_twice: boolean, learning_rate: number,
 *   max_grad_norm: number,
 * }} Settings at a `max_grad_norm` of 0 nothing is clipped
 */

const NAMES = /** @type {(keyof Parameters)[]} */ ([
  "weight_ih",
  "weight_hh",
  "bias",
  "readout_weight",
  "readout_bias",
]);

/** @type {Settings} */
export const DEFAULTS = {
  cut: WHOLE,
  softmax_twice: false,
  learning_rate: 0.01,
  max_grad_norm: 10,
};

/** What both have: parameters, the readout, the loss and RMSProp. */
class Tiny {
  /**
   * Weights ~ N(0, 1 / inputs), biases 0, that of the forget gate 1.
   * @param {number} gates 4 for the LSTM, 1 for the RNN
   * @param {number} hidden_size
   * @param {() => number} uniform
   * @param {Settings} settings
   */
  constructor(gates, hidden_size, uniform, settings) {
    this.hidden_size = hidden_size;
    this.settings = settings;
    const normal = normalFrom(uniform);
    const rows = gates * hidden_size;
    /** @type {(size: number, inputs: number) => Float64Array} */
    const weights = (size, inputs) =>
      Float64Array.from({ length: size * inputs }, () => normal() / Math.sqrt(inputs));
    /** @type {Parameters} */
    this.parameters = {
      weight_ih: weights(rows, 10),
      weight_hh: weights(rows, hidden_size),
      bias: new Float64Array(rows),
      readout_weight: weights(10, hidden_size),
      readout_bias: new Float64Array(10),
    };
    if (gates === 4) this.parameters.bias.fill(1, hidden_size, 2 * hidden_size);
    this.gradients = this.zeros();
    this.squares = this.zeros();
    /** Each gate and state at each step of what was read last: h[t] is (hidden_size). */
    this.length = 0;
    /** @type {ArrayLike<number>} */
    this.digits = [];
    /** The length of dL/dc of an LSTM, dL/dh of an RNN, after each step, once it has come back there. */
    this.flow = new Float64Array();
  }

  zeros() {
    return /** @type {Parameters} */ (
      Object.fromEntries(
        NAMES.map((name) => [name, new Float64Array(this.parameters[name].length)]),
      )
    );
  }

  /**
   * W_x x(t) + W_h h(t-1) + b, where x is one-hot, so that W_x x is a column.
   * @param {number} digit
   * @param {Float64Array} h_before
   * @param {boolean[]} deaf of each block of rows, whether it does not read h
   */
  preactivations(digit, h_before, deaf) {
    const { weight_ih, weight_hh, bias } = this.parameters;
    const size = this.hidden_size;
    const a = new Float64Array(bias.length);
    for (let row = 0; row < a.length; row++) {
      let sum = bias[row] + weight_ih[row * 10 + digit];
      if (!deaf[Math.floor(row / size)]) {
        for (let k = 0, at = row * size; k < size; k++, at++) sum += weight_hh[at] * h_before[k];
      }
      a[row] = sum;
    }
    return a;
  }

  /**
   * The gradients of one step, added to those of the others.
   * @param {Float64Array} da
   * @param {number} digit
   * @param {Float64Array} h_before
   * @param {boolean[]} deaf
   * @returns {Float64Array} dh(t-1) = W_h^T da
   */
  addGradients(da, digit, h_before, deaf) {
    const { weight_hh } = this.parameters;
    const gradients = this.gradients;
    const size = this.hidden_size;
    const dh = new Float64Array(size);
    for (let row = 0; row < da.length; row++) {
      const d = da[row];
      gradients.bias[row] += d;
      gradients.weight_ih[row * 10 + digit] += d;
      if (deaf[Math.floor(row / size)]) continue;
      for (let k = 0, at = row * size; k < size; k++, at++) {
        gradients.weight_hh[at] += d * h_before[k];
        dh[k] += d * weight_hh[at];
      }
    }
    return dh;
  }

  /**
   * The logits (7).
   * @param {Float64Array} h
   */
  readout(h) {
    const { readout_weight, readout_bias } = this.parameters;
    return readout_bias.map((bias, digit) => {
      let sum = bias;
      for (let k = 0; k < h.length; k++) sum += readout_weight[digit * h.length + k] * h[k];
      return sum;
    });
  }

  /**
   * h after each digit; what `back` needs is kept.
   * @param {ArrayLike<number>} digits
   * @returns {Float64Array[]}
   */
  read(digits) {
    throw new Error(`read is not defined for ${digits.length} digits`);
  }

  /**
   * From dh at the last step to `gradients`, back through all steps.
   * @param {Float64Array} dh
   */
  back(dh) {
    throw new Error(`back is not defined for ${dh.length} cells`);
  }

  /**
   * The loss (9) of one palindrome. Its gradients are added, divided by `count`.
   * @param {number[]} palindrome its last digit is the label
   * @param {number} [count]
   */
  learn(palindrome, count = 1) {
    const label = palindrome[palindrome.length - 1];
    const states = this.read(palindrome.slice(0, -1));
    const h = states[states.length - 1];
    let probabilities = softmax(this.readout(h)); // (8)
    let dp;
    let loss;
    if (this.settings.softmax_twice) {
      // The mistake: what goes into the softmax of the loss are probabilities already.
      const again = softmax(probabilities);
      const dq = again.map((value, digit) => value - (digit === label ? 1 : 0));
      const mean = dq.reduce((sum, d, digit) => sum + d * probabilities[digit], 0);
      dp = probabilities.map((value, digit) => value * (dq[digit] - mean));
      loss = -Math.log(again[label]);
    } else {
      dp = probabilities.map((value, digit) => value - (digit === label ? 1 : 0));
      loss = -Math.log(probabilities[label]); // (9)
    }
    const dh = new Float64Array(h.length);
    const { readout_weight } = this.parameters;
    for (let digit = 0; digit < 10; digit++) {
      const d = dp[digit] / count;
      this.gradients.readout_bias[digit] += d;
      for (let k = 0, at = digit * h.length; k < h.length; k++, at++) {
        this.gradients.readout_weight[at] += d * h[k];
        dh[k] += d * readout_weight[at]; // from (7)
      }
    }
    this.back(dh);
    return loss;
  }

  /**
   * One step of training.
   * @param {number[][]} batch
   * @returns {{loss: number, norm: number}} the mean loss before it, the norm of its gradient
   */
  step(batch) {
    for (const name of NAMES) this.gradients[name].fill(0);
    let loss = 0;
    for (const palindrome of batch) loss += this.learn(palindrome, batch.length) / batch.length;
    let square = 0;
    for (const name of NAMES) for (const d of this.gradients[name]) square += d * d;
    const norm = Math.sqrt(square);
    const { max_grad_norm, learning_rate } = this.settings;
    const scale = max_grad_norm > 0 && norm > max_grad_norm ? max_grad_norm / norm : 1;
    for (const name of NAMES) {
      const [values, d, squares] = [this.parameters[name], this.gradients[name], this.squares[name]];
      for (let k = 0; k < values.length; k++) {
        // RMSProp, as PyTorch's with its defaults: each weight has a rate of its own.
        const gradient = d[k] * scale;
        squares[k] = 0.99 * squares[k] + 0.01 * gradient * gradient;
        values[k] -= (learning_rate * gradient) / (Math.sqrt(squares[k]) + 1e-8);
      }
    }
    return { loss, norm };
  }

  /**
   * The digit that it expects next.
   * @param {ArrayLike<number>} digits
   */
  answer(digits) {
    const states = this.read(digits);
    return argmax(this.readout(states[states.length - 1]));
  }

  /**
   * The share, 0 to 1, of palindromes that it completes.
   * @param {number[][]} palindromes
   */
  accuracy(palindromes) {
    const right = palindromes.filter(
      (palindrome) => this.answer(palindrome.slice(0, -1)) === palindrome[palindrome.length - 1],
    );
    return right.length / palindromes.length;
  }
}

export class TinyLSTM extends Tiny {
  kind = "lstm";

  /**
   * @param {number} hidden_size
   * @param {() => number} uniform
   * @param {Settings} [settings]
   */
  constructor(hidden_size, uniform, settings = DEFAULTS) {
    super(4, hidden_size, uniform, settings);
    /** @type {Record<"i" | "f" | "g" | "o" | "c" | "h", Float64Array[]>} */
    this.states = { i: [], f: [], g: [], o: [], c: [], h: [] };
  }

  /**
   * @override
   * @param {ArrayLike<number>} digits
   */
  read(digits) {
    const size = this.hidden_size;
    this.digits = digits;
    this.states = { i: [], f: [], g: [], o: [], c: [], h: [] };
    let h_before = new Float64Array(size);
    let c_before = new Float64Array(size);
    for (let t = 0; t < digits.length; t++) {
      const { stands, deaf } = severed(this.settings.cut, t);
      const a = this.preactivations(digits[t], h_before, deaf);
      const [i, f, g, o, c, h] = Array.from({ length: 6 }, () => new Float64Array(size));
      for (let j = 0; j < size; j++) {
        g[j] = Math.tanh(a[2 * size + j]); // (1)
        i[j] = stands[0] >= 0 ? stands[0] : sigmoid(a[j]); // (2)
        f[j] = stands[1] >= 0 ? stands[1] : sigmoid(a[size + j]); // (3)
        o[j] = stands[3] >= 0 ? stands[3] : sigmoid(a[3 * size + j]); // (4)
        c[j] = g[j] * i[j] + c_before[j] * f[j]; // (5)
        h[j] = Math.tanh(c[j]) * o[j]; // (6)
      }
      for (const [name, values] of Object.entries({ i, f, g, o, c, h })) {
        this.states[/** @type {"i"} */ (name)].push(values);
      }
      h_before = h;
      c_before = c;
    }
    return this.states.h;
  }

  /**
   * @override
   * @param {Float64Array} dh
   */
  back(dh) {
    const size = this.hidden_size;
    const zero = new Float64Array(size);
    const dc = new Float64Array(size);
    this.flow = new Float64Array(this.digits.length);
    for (let t = this.digits.length - 1; t >= 0; t--) {
      const [i, f, g, o, c] = /** @type {const} */ (["i", "f", "g", "o", "c"]).map(
        (name) => this.states[name][t],
      );
      const c_before = this.states.c[t - 1] ?? zero;
      const { deaf } = severed(this.settings.cut, t);
      const da = new Float64Array(4 * size);
      let square = 0;
      for (let j = 0; j < size; j++) {
        const tanh_c = Math.tanh(c[j]);
        dc[j] += dh[j] * o[j] * (1 - tanh_c * tanh_c); // from (6)
        square += dc[j] * dc[j];
        da[j] = dc[j] * g[j] * i[j] * (1 - i[j]); // from (5) and (2); 0 for a gate that stands
        da[size + j] = dc[j] * c_before[j] * f[j] * (1 - f[j]); // from (5) and (3)
        da[2 * size + j] = dc[j] * i[j] * (1 - g[j] * g[j]); // from (5) and (1)
        da[3 * size + j] = dh[j] * tanh_c * o[j] * (1 - o[j]); // from (6) and (4)
        dc[j] *= f[j]; // dc(t-1), from (5)
      }
      this.flow[t] = Math.sqrt(square);
      dh = this.addGradients(da, this.digits[t], this.states.h[t - 1] ?? zero, deaf);
    }
  }
}

export class TinyRNN extends Tiny {
  kind = "rnn";

  /** @param {number} step */
  deaf = (step) => [severed(this.settings.cut, step).alone];

  /**
   * @param {number} hidden_size
   * @param {() => number} uniform
   * @param {Settings} [settings]
   */
  constructor(hidden_size, uniform, settings = DEFAULTS) {
    super(1, hidden_size, uniform, settings);
    /** @type {Record<"h", Float64Array[]>} */
    this.states = { h: [] };
  }

  /**
   * @override
   * @param {ArrayLike<number>} digits
   */
  read(digits) {
    this.digits = digits;
    this.states = { h: [] };
    let h = new Float64Array(this.hidden_size);
    for (let t = 0; t < digits.length; t++) {
      h = this.preactivations(digits[t], h, this.deaf(t)).map(Math.tanh);
      this.states.h.push(h);
    }
    return this.states.h;
  }

  /**
   * @override
   * @param {Float64Array} dh
   */
  back(dh) {
    const zero = new Float64Array(this.hidden_size);
    this.flow = new Float64Array(this.digits.length);
    for (let t = this.digits.length - 1; t >= 0; t--) {
      const h = this.states.h[t];
      this.flow[t] = Math.hypot(...dh);
      const da = dh.map((d, j) => d * (1 - h[j] * h[j]));
      dh = this.addGradients(da, this.digits[t], this.states.h[t - 1] ?? zero, this.deaf(t));
    }
  }
}

/**
 * How the derivative of the loss (9) of a trained network comes back from its last step.
 * @param {import("./models.js").Recurrent} trained
 * @param {number[]} palindrome
 * @param {import("./cuts.js").Cut} cut
 * @returns {number[]} after each step the length of dL/dc of an LSTM, of dL/dh of an RNN
 */
export function flowBack(trained, palindrome, cut) {
  const { hidden_size, weight_ih, one_hot } = trained;
  const network = new (trained.states.length > 1 ? TinyLSTM : TinyRNN)(hidden_size, () => 0.5, { ...DEFAULTS, cut });
  for (const name of NAMES) network.parameters[name] = Float64Array.from(trained[name]);
  if (!one_hot) { // the same as ten inputs, each of which is there once
    network.parameters.weight_ih = Float64Array.from({ length: 10 * weight_ih.length }, (_, k) => weight_ih[Math.floor(k / 10)] * (k % 10));
  }
  network.learn(palindrome);
  return [...network.flow];
}

/** Palindromes of one length, in two splits that share none: one left half in five is for the test. */
export class Palindromes {
  /** @param {number} length T, with the digit that is to be predicted */
  constructor(length) {
    this.length = length;
    this.half = Math.ceil(length / 2);
  }

  /** @param {number} left the left half, read as a number */
  isHeldOut(left) {
    return (Math.imul(left + 1, 0x9e3779b1) >>> 16) % 5 === 0;
  }

  /**
   * @param {() => number} uniform
   * @param {boolean} held_out
   * @returns {number[]}
   */
  draw(uniform, held_out) {
    for (;;) {
      const left = Math.floor(uniform() * 10 ** this.half);
      if (this.isHeldOut(left) === held_out) return this.mirror(left);
    }
  }

  /** @param {number} left */
  mirror(left) {
    const digits = Array.from(String(left).padStart(this.half, "0"), Number);
    return [...digits, ...digits.slice(0, Math.floor(this.length / 2)).reverse()];
  }

  /**
   * Different ones that no training sees, at most `count`.
   * @param {() => number} uniform
   * @param {number} count
   */
  test(uniform, count) {
    const held_out = Array.from({ length: 10 ** Math.min(this.half, 4) }, (_, k) => {
      return this.half <= 4 ? k : Math.floor(uniform() * 10 ** this.half);
    }).filter((left) => this.isHeldOut(left));
    const shuffled = [...new Set(held_out)]
      .map((left) => ({ left, key: uniform() }))
      .sort((a, b) => a.key - b.key);
    return shuffled.slice(0, count).map(({ left }) => this.mirror(left));
  }
}
