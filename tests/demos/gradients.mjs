// Compares the gradients of the tiny networks with finite differences: prints, for each of them, the
// largest error of a derivative, and the largest derivative.

import { MLP } from "../../playground/src/blobs.js";
import { DEFAULTS, TinyLSTM, TinyRNN } from "../../playground/src/learn.js";
import { normalFrom, uniformFrom } from "../../playground/src/tensors.js";

const PALINDROME = [3, 1, 4, 4, 1, 3];
const STEP = 1e-5;

/** @type {Record<string, number[]>} */
const found = {};
for (const [name, Network, changed] of [
  ["lstm", TinyLSTM, {}],
  ["lstm, f = 1", TinyLSTM, { cut: { wires: ["f1", "hi"], from: 0 } }],
  ["lstm, f = 0", TinyLSTM, { cut: { wires: ["f0", "o1"], from: 2 } }],
  ["lstm, i = 0", TinyLSTM, { cut: { wires: ["i0", "hg"], from: 2 } }],
  ["rnn, h cut off", TinyRNN, { cut: { wires: ["hh"], from: 4 } }],
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
// The networks in two dimensions: the sum of y^2 / 2 over three points, and the penalty, whose slopes of
// y are finite differences themselves.
for (const [name, penalty] of [["mlp", 0], ["penalty", 0.7]]) {
  const network = new MLP([2, 4, 4, 1], normalFrom(uniformFrom(1)));
  const x = Float64Array.of(0.3, -0.8, 1.1, 0.4, -0.5, 0.2);
  const loss = () => {
    const y = network.forward(x);
    if (!penalty) return y.reduce((sum, value) => sum + value * value, 0) / 2;
    return [...x].reduce((sum, value, k) => {
      const [a, b] = [STEP, -STEP].map((by) => network.forward(x.map((one, j) => one + (j === k ? by : 0)))[Math.floor(k / 2)]);
      return sum + (penalty / 2) * ((a - b) / (2 * STEP)) ** 2;
    }, 0);
  };
  const y = network.forward(x);
  if (penalty) network.penalise(penalty);
  else network.backward(y, true);
  let [error, largest] = [0, 0];
  [...network.weights, ...network.biases].forEach((values, which) => values.forEach((kept, k) => {
    const losses = [1e-4, -1e-4].map((by) => { values[k] = kept + by; return loss(); });
    values[k] = kept;
    const gradient = network.gradients[which][k];
    error = Math.max(error, Math.abs((losses[0] - losses[1]) / 2e-4 - gradient));
    largest = Math.max(largest, Math.abs(gradient));
  }));
  found[name] = [error, largest];
}
process.stdout.write(JSON.stringify(found));
