// Load the .onnx files in JavaScript, in Node or in a browser: verified against manifest.json.

import * as ort from "onnxruntime-web";

/** A session of an .onnx file, whose content must be the one that the manifest lists. */
export async function open(name, data, manifest) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (!(name in manifest)) throw new Error(`the manifest does not list ${name}`);
  if (manifest[name].sha256 !== sha256) {
    throw new Error(`${name} is damaged or was altered: its SHA-256 differs from the manifest's`);
  }
  sourceOf(name, manifest);
  const options = { logSeverityLevel: 4 }; // an error is thrown and need not be printed as well
  return ort.InferenceSession.create(new Uint8Array(data), options);
}

/** The output of a model for its input, both tensors: each has one of them. */
export async function run(session, input) {
  const outputs = await session.run({ [session.inputNames[0]]: input });
  return outputs[session.outputNames[0]];
}

/** Values in row-major order as a tensor. What is int64 elsewhere is BigInt in JavaScript. */
export const toTensor = ({ dtype, shape, values }) =>
  new ort.Tensor(dtype, dtype === "int64" ? BigInt64Array.from(values, BigInt) : values, shape);

/** The entry of the weights that an .onnx file was made from. */
function sourceOf(name, manifest) {
  const source = Object.values(manifest).find(({ sha256 }) => sha256 === manifest[name].made_from);
  if (!source) throw new Error(`${name} was made from another file than the manifest lists now`);
  return source;
}

/** The golden values of an .onnx file. */
export const goldenOf = (name, manifest) => sourceOf(name, manifest).golden;

/** The largest difference of a model from its golden outputs; an Error if one is too large. */
export async function verify(name, session, { tolerance, cases }) {
  let largest = 0;
  for (const { input, output } of cases) {
    const { data, dims } = await run(session, toTensor(input));
    if (String(dims) !== String(output.shape)) {
      throw new Error(`the output of ${name} does not have the shape of the golden output`);
    }
    for (const [k, expected] of output.values.entries()) {
      const difference = Math.abs(data[k] - expected);
      if (!(difference <= tolerance * (1 + Math.abs(expected)))) {
        throw new Error(`${name} differs from its golden outputs by ${difference}`);
      }
      largest = Math.max(largest, difference);
    }
  }
  return largest;
}
