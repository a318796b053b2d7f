// Runs networks of a page in Node: node forward.mjs PAGE < questions > answers.
// Questions are [{"model": "lstm", "inputs": [[3, 1, 4], ...]}, ...], answers the outputs in order.

import { readFileSync } from "node:fs";
import { openModels } from "../../playground/src/models.js";
import { speedUp } from "../../playground/src/tensors.js";

speedUp(readFileSync(new URL("../../playground/dist/product.wasm", import.meta.url)));
const page = readFileSync(process.argv[2], "utf-8");
const data = /<script type="application\/json" id="exports">(.*?)<\/script>/s.exec(page)[1];
const networks = openModels(JSON.parse(data));
const answers = JSON.parse(readFileSync(0, "utf-8")).map(({ model, inputs }) =>
  inputs.map((input) => {
    const given = model.includes("rnn") || model.includes("lstm") ? input : Float32Array.from(input);
    return Array.from(networks[model].forward(given));
  }),
);
process.stdout.write(JSON.stringify(answers));
