// The GAN in two dimensions: node benchmarks/ring.mjs. Five seeds with one step of G for one of D, and
// five with ten: blobs covered and the share of the samples within three standard deviations of one,
// looked at as one looks at the page from 10 to 30 seconds: at 200 rounds a second, or at 60 with ten
// steps of G, of which there is one round for each picture.

import { COVERED, inBlobs, RingGAN } from "../playground/src/blobs.js";
import { uniformFrom } from "../playground/src/tensors.js";

console.log("| steps of G for one of D | seed | blobs at the looks | samples in a blob, at the last | ms for a round |");
console.log("|---|---|---|---|---|");
for (const [ratio, pace] of [[1, 200], [10, 60]]) {
  for (const seed of [1, 2, 3, 4, 5]) {
    const gan = new RingGAN(uniformFrom(seed));
    const began = process.cpuUsage().user;
    const looks = [];
    let inside = 0;
    for (let round = 1; round <= 30 * pace; round++) {
      gan.round(ratio);
      if (round < 10 * pace || round % (2 * pace)) continue;
      const shares = inBlobs(gan.generator.forward(gan.latents(1000)));
      looks.push(shares.filter((share) => share >= COVERED).length);
      inside = shares.reduce((a, b) => a + b);
    }
    const time = (process.cpuUsage().user - began) / 1000 / (30 * pace);
    console.log(`| ${ratio} | ${seed} | ${looks.join(" ")} | ${(100 * inside).toFixed(0)}% | ${time.toFixed(1)} |`);
  }
}
