// Asks what the pages compute, in Node: node asked.mjs PAGE < questions > answers.
// Questions are {"cuts": [[network, length, wires, from]], "flows": [[network, palindrome, wires, from]],
// "sentences": [[function, ...arguments]], "rings": [[seed, ratio, rounds]], "learners":
// [[kind, steps]], the first start of each, "slopes": [image, ...]}.

import { readFileSync } from "node:fs";
import { inBlobs, RingGAN } from "../../playground/src/blobs.js";
import { nearestSaid, nudged, nudgeSaid } from "../../playground/src/closer.js";
import { interval } from "../../playground/src/costs.js";
import { copiesSaid } from "../../playground/src/copies.js";
import { counted, described, diagnosed } from "../../playground/src/film.js";
import * as insight from "../../playground/src/insight.js";
import { flowBack } from "../../playground/src/learn.js";
import { openModels } from "../../playground/src/models.js";
import { localSource } from "../../playground/src/reading.js";
import { ringSaid } from "../../playground/src/ring.js";
import { speedUp, uniformFrom } from "../../playground/src/tensors.js";
import { fromAddress, Learner } from "../../playground/src/trainer.js";
import { walkSaid } from "../../playground/src/walk.js";

speedUp(readFileSync(new URL("../../playground/dist/product.wasm", import.meta.url)));
const page = readFileSync(process.argv[2], "utf-8");
const exports = JSON.parse(/<script type="application\/json" id="exports">(.*?)<\/script>/s.exec(page)[1]);
const networks = openModels(exports);
const source = localSource(networks, exports.models);
const { cuts, flows, sentences, rings, learners, slopes } = JSON.parse(readFileSync(0, "utf-8"));
const opened = (reel) => ({ ...reel, real: Float32Array.from(reel.real), drawn: Float32Array.from(reel.drawn) });
const filmSaid = (reel, frame) => described(opened(reel), frame);
const clinicSaid = (name, reel, frame, healthy) => diagnosed(name, opened(reel), frame, healthy);
const told = { ...insight, counted, costs: insight.cutCosts.long, ringSaid, filmSaid, clinicSaid, walkSaid, nudgeSaid, nearestSaid, copiesSaid, interval: (count) => JSON.stringify(interval(count)) };
const answers = { cuts: [], flows: [], sentences: [], rings: [], learners: [], slopes: [] };
for (const image of slopes) {
  const found = (networks.discriminator_mine ?? networks.discriminator).slopes(Float32Array.from(image));
  answers.slopes.push({ found: [...found], nudged: [...nudged(Float32Array.from(image), found)] });
}
for (const [name, length, wires, from] of cuts) answers.cuts.push((await source.right(name, length, { wires, from }, 0, 500)) / 500);
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
