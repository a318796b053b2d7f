/** Draw a digit: what the classifier, opened, makes of it. */

import { asks } from "./ask.js";
import { button, drawImage, el, number, percent, shade, t } from "./dom.js";
import { pictureOf } from "./file.js";
import { onlyNewest } from "./newest.js";
import { drawingPad, imageOf } from "./pad.js";
import { argmax, normalFrom, softmax, uniformFrom } from "./tensors.js";

/**
 * @typedef {{
 *   probabilities: number[], logit: number | null, maps: import("./tensors.js").Maps[],
 * }} Opinion the ten probabilities, the discriminator's logit, the maps after each convolution
 * @typedef {{
 *   classify: (image: Float32Array) => Promise<Opinion>,
 *   generate: ((seed: number) => Promise<Float32Array>) | null,
 *   picture: ((base64: string) => Promise<Float32Array>) | null,
 * }} Eyes images are (28 * 28) in 0..1; `picture` turns a file into one
 */

const COLUMNS = [8, 16, 16]; // of maps in a row, of each layer

/**
 * The networks of the page in one file.
 * @param {import("./images.js").Layers} classifier
 * @param {import("./models.js").Networks} networks
 * @returns {Eyes}
 */
export const localEyes = (classifier, { generator, discriminator }) => ({
  classify: async (image) => ({
    probabilities: softmax(classifier.forward(image)),
    logit: discriminator ? discriminator.forward(image)[0] : null,
    maps: classifier.maps(image),
  }),
  generate: generator
    ? async (seed) => generator.forward(Float32Array.from({ length: generator.latent_dim }, normalFrom(uniformFrom(seed))))
    : null,
  picture: null,
});

/**
 * @param {Eyes} eyes
 * @returns {import("./frame.js").Part}
 */
export function drawing(eyes) {
  const given = el("canvas", { class: "given", width: 28, height: 28, role: "img", "aria-label": t("28 × 28 points, as the network gets them") });
  const said = el("p", { class: "sentence", role: "status" });
  const message = el("p", { class: "message", role: "status" });
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const bar = el("span", { class: "bar" });
    const share = el("span", { class: "share" });
    return { bar, share, row: el("div", { class: "row" }, el("b", {}, String(digit)), el("div", { class: "track" }, bar), share) };
  });
  const task = el("p", { class: "task" });
  const layers = [t("16 maps after the first convolution"), t("32 maps after the second"), t("64 maps after the third")].map((title) => {
    const canvas = el("canvas", { class: "mosaic", role: "img", "aria-label": title });
    return { canvas, view: el("figure", {}, el("figcaption", {}, title), canvas) };
  });
  let touched = 0; // how often the pad was drawn on or cleared
  /** What is on the pad. @type {"pen" | "file" | "generator" | "square"} */
  let origin = "pen";
  const pad = drawingPad((strokes) => {
    touched++;
    origin = "pen";
    const { image, refused } = imageOf(strokes);
    message.textContent = refused;
    look(image);
  });
  /** @type {Float32Array | null} */
  let image = null;
  /** @type {Opinion | null} */
  let opinion = null;

  const classify = onlyNewest(eyes.classify, (found, asked) => {
    if (asked !== image) return; // cleared meanwhile
    opinion = found;
    show();
  }, (sentence) => { message.textContent = sentence; });

  /** @param {Float32Array | null} seen */
  function look(seen) {
    image = seen;
    drawImage(given, image ?? new Float32Array(784));
    if (image) return classify(image);
    opinion = null;
    show();
  }

  function clear() {
    touched++;
    origin = "pen";
    pad.wipe();
    message.textContent = "";
    look(null);
  }

  /** @param {Float32Array} made @param {typeof origin} by */
  function put(made, by) {
    origin = by;
    const small = el("canvas");
    drawImage(small, made);
    pad.put(small);
    message.textContent = "";
    look(made);
  }

  function show() {
    const shares = opinion?.probabilities ?? new Array(10).fill(0);
    const best = argmax(shares);
    bars.forEach(({ bar, share, row }, digit) => {
      bar.style.width = `${100 * shares[digit]}%`;
      share.textContent = opinion ? percent(shares[digit]) : "";
      row.className = opinion && digit === best ? "row best" : "row";
    });
    said.textContent = !opinion ? t("Draw a digit, with a mouse, a finger or the arrow keys.") : [
      t("The classifier says %(digit)s and is %(share)s sure.", { digit: best, share: percent(shares[best]) }),
      opinion.logit === null ? "" : t("The discriminator's logit is %(logit)s; above 0 means real.", { logit: number(opinion.logit, 1) }),
      opinion.logit === null || origin === "generator" ? "" : t("It has only ever seen images of MNIST and of the generator: its logit of anything else says little."),
    ].join(" ");
    task.textContent = [
      origin === "pen" || origin === "file" ? t("What you draw is cut out, scaled to 20 × 20 points and centred, as MNIST was.") : t("This picture goes in as it is; what you draw is cut out, scaled to 20 × 20 points and centred, as MNIST was."),
      t("The classifier also measures the GAN. It turns the image into feature maps, those into ten logits, and softmax turns these into percentages."),
    ].join(" ");
    tour.look();
    showMaps();
  }

  function showMaps() {
    opinion?.maps.forEach(({ channels, height, width, values }, layer) => {
      const columns = COLUMNS[layer];
      const { canvas } = layers[layer];
      [canvas.width, canvas.height] = [columns * (width + 1) - 1, (channels / columns) * (height + 1) - 1];
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const strong = Float32Array.from(values).sort()[Math.floor(0.99 * values.length)] || 1;
      for (let channel = 0; channel < channels; channel++) {
        const picture = context.createImageData(width, height);
        for (let k = 0; k < width * height; k++) {
          picture.data.set(shade("map", values[channel * width * height + k] / strong), 4 * k);
          picture.data[4 * k + 3] = 255;
        }
        context.putImageData(picture, (channel % columns) * (width + 1), Math.floor(channel / columns) * (height + 1));
      }
    });
    for (const { canvas } of layers) canvas.style.visibility = opinion ? "visible" : "hidden";
  }

  const refuse = (/** @type {Error} */ error) => { message.textContent = error.message; };

  /**
   * Show an image that takes time to come, unless the reader has begun to draw.
   * @param {Promise<Float32Array> | undefined} coming
   * @param {typeof origin} by
   */
  function putLater(coming, by) {
    const before = touched;
    coming?.then((made) => before === touched && put(made, by)).catch(refuse);
  }

  /** For those who cannot draw: the generator can. */
  const generate = () => putLater(eyes.generate?.(Math.floor(Math.random() * 1e6)), "generator");

  const file = el("input", { type: "file", accept: "image/*", hidden: true, onchange: () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (!chosen) return;
    putLater(pictureOf(chosen).then((data) => /** @type {any} */ (eyes).picture(data)), "file");
  } });

  const square = Float32Array.from({ length: 784 }, (_, k) => Number([k % 28, Math.floor(k / 28)].every((at) => at >= 4 && at < 24)));
  const tour = asks({
    text: t("The discriminator has seen digits of MNIST and generated ones. What does it say to a white square?"),
    choices: [t("real"), t("generated")],
    act: async () => {
      touched++;
      pad.wipe();
      put(square, "square");
      const { logit } = await eyes.classify(square);
      if (logit === null) throw new Error(t("There is no discriminator among these exports."));
      return { right: logit > 0 ? 0 : 1, because: () => origin !== "square" ? "" : t("Its logit is %(logit)s. It has learnt to tell digits of MNIST from generated ones, and nothing about squares: it does not know what a digit is.", { logit: number(logit, 2) }) };
    },
  });

  const view = el("div", {},
    eyes.generate ? tour.view : "",
    el("div", { class: "drawing" },
      el("div", {}, pad.view, el("div", { class: "buttons" }, button(t("Clear"), clear),
        eyes.generate ? button(t("Generate one"), generate) : null,
        ...(eyes.picture ? [button(t("Choose a picture"), () => file.click(), { title: t("a PNG or JPEG with one digit on it; large pictures are reduced here") }), file] : [])), message),
      el("div", {}, given, el("small", {}, t("as the network gets it"))),
      el("div", { class: "bars" }, ...bars.map(({ row }) => row), said)),
    task,
    el("h2", {}, t("Inside")),
    el("div", { class: "mosaics" }, ...layers.map((layer) => layer.view)));
  clear();
  generate();
  return { view, show: showMaps };
}
