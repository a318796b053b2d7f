// Compares the gradients of the tiny networks with finite differences: prints, for each of them, the
// largest error of a derivative, and the largest derivative.

import { DEFAULTS, TinyLSTM, TinyRNN } from "../../playground/src/learn.js";
import { uniformFrom } from "../../playground/src/tensors.js";

const PALINDROME = [3, 1, 4, 4, 1, 3];
const STEP = 1e-5;

/** @type {Record<string, number[]>} */
const found = {};
for (const [name, Network, changed] of [
  ["lstm", TinyLSTM, {}],
  ["lstm, f = 1", TinyLSTM, { cut: { wires: ["f1", "hi"], from: 0 } }],
  ["lstm, f = 0", TinyLSTM, { cut: { wires: ["f0", "o1"], from: 2 } }],
  ["lstm, i = 0", TinyLSTM, { cut: { wires: ["i0", "hg"], from: 2 } }],
  ["rnn, h cut off", TinyRNN, { cut: { wires: ["hg", "hi", "hf", "ho"], from: 4 } }],
  ["lstm, softmax twice", TinyLSTM, { softmax_twice: true }],
  ["rnn", TinyRNN, {}],
]) {
  const network = new Network(4, uniformFrom(1), { ...DEFAULTS, ...changed });
  network.learn(PALINDROME);
  let [error, largest] = [0, 0];
  for (const [key, gradient] of Object.entries(structuredClone(network.gradients))) {
    const values = network.parameters[key];
    for (let k = 0; k < values.length; k++) {
      const kept = values[k];
      const losses = [kept + STEP, kept - STEP].map((value) => {
        values[k] = value;
        return network.learn(PALINDROME);
      });
      values[k] = kept;
      const slope = (losses[0] - losses[1]) / (2 * STEP);
      error = Math.max(error, Math.abs(slope - gradient[k]));
      largest = Math.max(largest, Math.abs(gradient[k]));
    }
  }
  found[name] = [error, largest];
}
process.stdout.write(JSON.stringify(found));
