// What a page's networks remember of digits: node remembered.mjs PAGE DIGITS > rows of each network.

import { readFileSync } from "node:fs";
import { openModels } from "../../playground/src/models.js";
import { localSource } from "../../playground/src/reading.js";
import { speedUp } from "../../playground/src/tensors.js";

speedUp(readFileSync(new URL("../../playground/dist/product.wasm", import.meta.url)));
const page = readFileSync(process.argv[2], "utf-8");
const data = /<script type="application\/json" id="exports">(.*?)<\/script>/s.exec(page)[1];
const exports = JSON.parse(data);
const source = localSource(openModels(exports), exports.models);
process.stdout.write(JSON.stringify(await source.remembers(JSON.parse(process.argv[3]))));
