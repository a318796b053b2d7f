// What the page's numbers are made of: node product.mjs < {"pairs": [[a, b, rows], ...], "half": base64}.
// Prints the products of the pairs of matrices in JavaScript and in WebAssembly, and the
// half-precision numbers. Infinity and NaN are printed as texts.

import { readFileSync } from "node:fs";
import { fromHalf, keep, product, speedUp } from "../../playground/src/tensors.js";

const { pairs, half } = JSON.parse(readFileSync(0, "utf-8"));
const matrices = pairs.map(([a, b, rows]) => [Float32Array.from(a), Float32Array.from(b), rows]);
const products = () => matrices.map((matrix) => [...product(...matrix)]);
const javascript = products();
speedUp(readFileSync(new URL("../../playground/dist/product.wasm", import.meta.url)));
const webassembly = products();
for (const [, b] of matrices) keep(b);
const kept = products();
const halves = Array.from(fromHalf(half), (value) => (Number.isFinite(value) ? value : String(value)));
process.stdout.write(JSON.stringify({ javascript, webassembly, kept, halves }));
