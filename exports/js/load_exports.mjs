// Use the .onnx files from the command line:
//
//     npm --prefix exports/js ci
//     node exports/js/load_exports.mjs predict exports/lstm.onnx 1 2 3 4 5 4 3 2
//     node exports/js/load_exports.mjs sample exports/generator.onnx
//     node exports/js/load_exports.mjs verify exports/manifest.json

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { goldenOf, open, run, toTensor, verify } from "./exports.mjs";

/** What is wrong with the command line; the exit code is 2, and 1 after any other Error. */
const usageError = (message) => Object.assign(new Error(message), { exitCode: 2 });

/** manifest.json: file name -> entry. */
const readManifest = async (path) => JSON.parse(await readFile(path, "utf8"));

/** A session of an .onnx file that has its manifest beside it. */
async function load(path) {
  const manifest = await readManifest(join(dirname(path), "manifest.json"));
  return open(basename(path), await readFile(path), manifest);
}

/** Print the predicted next digit and the ten probabilities. */
async function predict(path, ...digits) {
  if (digits.length === 0) throw usageError("no digits; usage: predict MODEL DIGIT...");
  const wrong = digits.find((digit) => !/^[0-9]$/.test(digit));
  if (wrong) throw usageError(`a digit must be a whole number from 0 to 9, not '${wrong}'`);
  const input = { dtype: "int64", shape: [1, digits.length], values: digits };
  const { data: logits } = await run(await load(path), toTensor(input)); // (1, 10)
  const largest = Math.max(...logits);
  const powers = [...logits].map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  console.log(...digits, "->", logits.indexOf(largest));
  powers.forEach((power, digit) => console.log(`${digit}  ${(power / sum).toFixed(6)}`));
}

/** Print a digit that the generator draws from standard normal noise. */
async function sample(path) {
  const generator = await load(path);
  const size = generator.inputMetadata[0].shape[1];
  const radius = () => Math.sqrt(-2 * Math.log(1 - Math.random())); // Box and Muller
  const normal = () => radius() * Math.cos(2 * Math.PI * Math.random());
  const values = Array.from({ length: size }, normal);
  const { data } = await run(generator, toTensor({ dtype: "float32", shape: [1, size], values }));
  for (let start = 0; start < data.length; start += 28) { // (1, 1, 28, 28), 0 to 1
    const row = [...data.slice(start, start + 28)];
    console.log(row.map((pixel) => " .:-=+*#%@"[Math.round(9 * pixel)].repeat(2)).join(""));
  }
}

/** Compare each .onnx file beside a manifest with its golden values. */
async function verifyAll(path) {
  const manifest = await readManifest(path);
  const files = Object.keys(manifest).filter((name) => name.endsWith(".onnx"));
  const here = files.filter((name) => existsSync(join(dirname(path), name)));
  if (here.length === 0) throw new Error(`no .onnx file that ${path} lists is beside it`);
  for (const name of here) {
    const golden = goldenOf(name, manifest);
    const count = golden.cases.reduce((sum, { input }) => sum + input.shape[0], 0);
    const largest = await verify(name, await load(join(dirname(path), name)), golden);
    console.log(`${name}: ${count} golden inputs, largest difference ${largest.toPrecision(6)}`);
  }
}

const [command, ...rest] = process.argv.slice(2);
const commands = { predict, sample, verify: verifyAll };
try {
  if (!(command in commands) || rest.length === 0) {
    throw usageError("usage: predict MODEL DIGIT... | sample MODEL | verify MANIFEST");
  }
  await commands[command](...rest);
} catch (error) {
  console.error(`load_exports.mjs: ${error.message.trim()}`);
  process.exitCode = error.exitCode ?? 1;
}
