// What the studio's scripts compute, in Node: node studio.mjs < {call, given} > result.

import { readFileSync } from "node:fs";
import { accused, rounds } from "../../playground/src/fake.js";
import { normals } from "../../playground/src/seeds.js";
import { local, newest } from "../../playground/src/source.js";
import { changeOf, path, runs } from "../../playground/src/walk.js";

const CALLS = {
  path: ({ a, b, isArc, shares }) => shares.map(path(isArc, Float32Array.from(a), Float32Array.from(b))),
  normals({ seed, purpose, count }) {
    const numbers = normals(seed, purpose);
    return Array.from({ length: count }, () => numbers.next().value);
  },
  // The numbers of candidates that are reported while a digit is looked for that never comes.
  async candidates() {
    const counts = [];
    const blank = { latent_dim: 2, forward: () => new Float32Array(784) };
    const unsure = { forward: () => new Float32Array(10) };
    const studio = local({ generator: blank, classifier: unsure });
    await studio.samples(1, "7", (count) => counts.push(count)).catch(() => undefined);
    return counts;
  },
  changeOf: (sequences) => sequences.map(changeOf),
  runs: (sequences) => sequences.map(runs),
  // Cards in the order of the rounds, with whether the discriminator takes each for a drawn one.
  rounds: ({ reel, numReals, seeds }) => seeds.map((seed) =>
    rounds({ ...reel, real: Float32Array.from(reel.real), drawn: Float32Array.from(reel.drawn) }, numReals, seed)
      .map(({ frame, cards }) => ({ frame, cards: cards.map((card) => ({ ...card, accused: accused(cards).has(card) })) }))),
  // Asks 1, and 2 to 5 before the first answer comes; then 6 and 7. Question 6 fails.
  async newest() {
    const log = [];
    const wait = () => new Promise((go) => setTimeout(go, 20));
    const ask = newest(
      async (question) => {
        log.push(`ask ${question}`);
        await wait();
        if (question === 6) throw new Error("no");
        return 10 * question;
      },
      (answer, question) => log.push(`show ${question}: ${answer}`),
      (error) => log.push(error.message),
    );
    const done = ask(1);
    for (const question of [2, 3, 4, 5]) ask(question);
    await done;
    await ask(6);
    await ask(7);
    return log;
  },
};

const { call, given } = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(await CALLS[call](given)));
