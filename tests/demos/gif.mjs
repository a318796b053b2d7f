// Writes a film as the page does: node gif.mjs FILE < images of 28 x 28, values 0 to 1.

import { readFileSync, writeFileSync } from "node:fs";
import { inRow, toGif } from "../../playground/src/gif.js";

const images = JSON.parse(readFileSync(0, "utf-8")).map((rows) => rows.flat());
writeFileSync(process.argv[2], toGif(images.map((image) => inRow([image], 5)), 120));
