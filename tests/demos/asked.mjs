// Asks what the pages compute, in Node: node asked.mjs PAGE < questions > answers.
// Questions are {"cuts": [[network, length, wires, from]], "flows": [[network, palindrome, wires, from]],
// "sentences": [[function of insight.js, ...arguments]], "rings": [[seed, ratio, rounds]], "learners":
// [[kind, steps]]}, the first start of each.

import { readFileSync } from "node:fs";
import { inBlobs, RingGAN } from "../../playground/src/blobs.js";
import * as insight from "../../playground/src/insight.js";
import { flowBack } from "../../playground/src/learn.js";
import { openModels } from "../../playground/src/models.js";
import { localSource } from "../../playground/src/reading.js";
import { ringSaid } from "../../playground/src/ring.js";
import { uniformFrom } from "../../playground/src/tensors.js";
import { fromAddress, Learner } from "../../playground/src/trainer.js";

const page = readFileSync(process.argv[2], "utf-8");
const exports = JSON.parse(/<script type="application\/json" id="exports">(.*?)<\/script>/s.exec(page)[1]);
const networks = openModels(exports);
const source = localSource(networks, exports.models);
const { cuts, flows, sentences, rings, learners } = JSON.parse(readFileSync(0, "utf-8"));
const told = { ...insight, costs: insight.cutCosts.long, ringSaid };
const answers = { cuts: [], flows: [], sentences: [], rings: [], learners: [] };
for (const [name, length, wires, from] of cuts) answers.cuts.push(await source.accuracy(name, length, { wires, from }));
for (const [name, palindrome, wires, from] of flows) answers.flows.push(flowBack(networks[name], palindrome, { wires, from }));
for (const [name, ...given] of sentences) answers.sentences.push([told[name](...given)].flat().join(" "));
for (const [seed, ratio, rounds] of rings) {
  const gan = new RingGAN(uniformFrom(seed));
  for (let k = 0; k < rounds; k++) gan.round(ratio);
  const points = gan.generator.forward(gan.latents(1000));
  answers.rings.push({ points: [...points], shares: inBlobs(points) });
}
globalThis.location = { hash: "" };
for (const [kind, steps] of learners) {
  const learner = new Learner(kind, fromAddress());
  let [best, reached] = [0, null];
  for (let step = 1; step <= steps && reached === null; step++) {
    learner.advance();
    best = Math.max(best, learner.accuracy);
    if (learner.accuracy >= 0.99) reached = step;
  }
  answers.learners.push({ best, reached });
}
process.stdout.write(JSON.stringify(answers));
