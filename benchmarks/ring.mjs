// The GAN in two dimensions: node benchmarks/ring.mjs. Five seeds with one step of G for one of D, and
// five with ten: blobs covered and the share of the samples within three standard deviations of one,
// looked at as one looks at the page from 10 to 30 seconds, at 100 rounds a second of ten steps of G.

import { COVERED, inBlobs, RingGAN } from "../playground/src/blobs.js";
import { uniformFrom } from "../playground/src/tensors.js";

const [FIRST, LAST, EVERY] = [1000, 3000, 200]; // rounds
console.log("| steps of G for one of D | seed | blobs at the looks | samples in a blob, at the last | ms for a round |");
console.log("|---|---|---|---|---|");
for (const ratio of [1, 10]) {
  for (const seed of [1, 2, 3, 4, 5]) {
    const gan = new RingGAN(uniformFrom(seed));
    const began = process.cpuUsage().user;
    const looks = [];
    let inside = 0;
    for (let round = 1; round <= LAST; round++) {
      gan.round(ratio);
      if (round < FIRST || round % EVERY) continue;
      const shares = inBlobs(gan.generator.forward(gan.latents(1000)));
      looks.push(shares.filter((share) => share >= COVERED).length);
      inside = shares.reduce((a, b) => a + b);
    }
    const time = (process.cpuUsage().user - began) / 1000 / LAST;
    console.log(`| ${ratio} | ${seed} | ${looks.join(" ")} | ${(100 * inside).toFixed(0)}% | ${time.toFixed(1)} |`);
  }
}
