/** Draw a digit: what the classifier, opened, makes of it. */

import { button, colour, drawImage, el, number, percent, prepare, shade, t } from "./dom.js";
import { argmax, normalFrom, softmax, uniformFrom } from "./tensors.js";

const SIDE = 280; // points of the pad
const PEN = 20;

/**
 * As MNIST was made: what is drawn is scaled to fit 20 x 20, and its centre of mass is put into the
 * middle of 28 x 28 (LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998).
 * @param {ArrayLike<number>} ink (side * side) in 0..1
 * @param {number} side
 * @returns {Float32Array | null} (28 * 28), or null where nothing is drawn
 */
export function centre(ink, side) {
  let [left, right, top, bottom] = [side, -1, side, -1];
  for (let k = 0; k < side * side; k++) {
    if (ink[k] < 0.1) continue;
    const [x, y] = [k % side, Math.floor(k / side)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return null;
  const scale = Math.max(right - left + 1, bottom - top + 1) / 20;
  const [width, height] = [right - left + 1, bottom - top + 1].map((size) => Math.max(1, Math.round(size / scale)));
  const small = new Float32Array(width * height);
  let [mass, mass_x, mass_y] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // The mean of the points that fall into this one.
      let [sum, count] = [0, 0];
      const y_end = Math.max(top + y * scale + 1, top + (y + 1) * scale);
      const x_end = Math.max(left + x * scale + 1, left + (x + 1) * scale);
      for (let v = Math.floor(top + y * scale); v < y_end && v < side; v++) {
        for (let u = Math.floor(left + x * scale); u < x_end && u < side; u++, count++) sum += ink[v * side + u];
      }
      const value = count ? sum / count : 0;
      small[y * width + x] = value;
      mass += value;
      mass_x += value * (x + 0.5);
      mass_y += value * (y + 0.5);
    }
  }
  const image = new Float32Array(784);
  const [dx, dy] = [mass_x, mass_y].map((moment) => Math.round(14 - moment / mass));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x + dx, y + dy];
      if (u >= 0 && u < 28 && v >= 0 && v < 28) image[v * 28 + u] = small[y * width + x];
    }
  }
  return image;
}

/**
 * @param {import("./images.js").Classifier} classifier
 * @param {import("./models.js").Networks} networks
 */
export function drawing(classifier, { generator, discriminator }) {
  const pad = el("canvas", { class: "pad", width: SIDE, height: SIDE, role: "img", "aria-label": t("Draw a digit here") });
  const pen = /** @type {CanvasRenderingContext2D} */ (pad.getContext("2d", { willReadFrequently: true }));
  const given = el("canvas", { class: "given", width: 28, height: 28, role: "img", "aria-label": t("28 × 28 points, as the network gets them") });
  const said = el("p", { class: "sentence", role: "status" });
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const bar = el("span", { class: "bar" });
    const share = el("span", { class: "share" });
    return { bar, share, row: el("div", { class: "row" }, el("b", {}, String(digit)), el("div", { class: "track" }, bar), share) };
  });
  const layers = [t("16 maps after the first convolution"), t("32 maps after the second"), t("64 maps after the third")].map((title) => {
    const canvas = el("canvas", { class: "mosaic", role: "img", "aria-label": title });
    return { canvas, view: el("figure", {}, el("figcaption", {}, title), canvas) };
  });
  /** @type {Float32Array | null} */
  let image = null;
  let waiting = false;
  let generated = false; // what is on the pad; the first stroke wipes it away

  function clear() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.lineWidth = PEN;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "#fff";
    image = null;
    generated = false;
    show();
  }

  function look() {
    waiting = false;
    const { data } = pen.getImageData(0, 0, SIDE, SIDE);
    image = centre(Float32Array.from({ length: SIDE * SIDE }, (_, k) => data[4 * k] / 255), SIDE);
    show();
  }

  function show() {
    drawImage(given, image ?? new Float32Array(784));
    const shares = image ? softmax(classifier.forward(image)) : new Array(10).fill(0);
    const best = argmax(shares);
    bars.forEach(({ bar, share, row }, digit) => {
      bar.style.width = `${100 * shares[digit]}%`;
      share.textContent = image ? percent(shares[digit]) : "";
      row.className = image && digit === best ? "row best" : "row";
    });
    said.textContent = !image ? t("Draw a digit, with a mouse or a finger.") : [
      t("The classifier says %(digit)s and is %(share)s sure.", { digit: best, share: percent(shares[best]) }),
      discriminator ? t("To the discriminator it has the logit %(logit)s; above 0 means that it takes it for an image of MNIST.", { logit: number(discriminator.forward(image)[0], 1) }) : "",
    ].join(" ");
    showMaps();
  }

  function showMaps() {
    const opened = classifier.open(image ?? new Float32Array(784));
    opened.maps.forEach(({ channels, height, width, values }, layer) => {
      const columns = [8, 16, 16][layer];
      const rows = channels / columns;
      const { canvas } = layers[layer];
      [canvas.width, canvas.height] = [columns * (width + 1) - 1, rows * (height + 1) - 1];
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const strong = Float32Array.from(values).sort()[Math.floor(0.99 * values.length)] || 1;
      for (let channel = 0; channel < channels; channel++) {
        const picture = context.createImageData(width, height);
        for (let k = 0; k < width * height; k++) {
          picture.data.set(shade("gate", image ? values[channel * width * height + k] / strong : 0), 4 * k);
          picture.data[4 * k + 3] = 255;
        }
        context.putImageData(picture, (channel % columns) * (width + 1), Math.floor(channel / columns) * (height + 1));
      }
    });
  }

  /** @type {[number, number] | null} */
  let last = null;
  /** @param {PointerEvent} event */
  function stroke(event) {
    if (!last) return;
    const box = pad.getBoundingClientRect();
    const scale = SIDE / box.width;
    const here = /** @type {[number, number]} */ ([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]);
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...here);
    pen.stroke();
    last = here;
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(look);
    }
  }
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    if (generated) clear();
    const box = pad.getBoundingClientRect();
    last = [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
    stroke(event);
  });
  pad.addEventListener("pointermove", stroke);
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { last = null; });

  /** For those who cannot draw: the generator can. */
  function generate() {
    const made = generator?.forward(Float32Array.from({ length: generator.latent_dim }, normalFrom(uniformFrom(Math.floor(Math.random() * 1e6)))));
    if (!made) return;
    const small = el("canvas");
    drawImage(small, made);
    pen.drawImage(small, 0, 0, SIDE, SIDE);
    image = made;
    generated = true;
    show();
  }

  const view = el("div", {},
    el("p", { class: "task" }, t("What you draw is cut out, scaled to 20 × 20 points and centred, as MNIST was. The classifier, which measures the GAN, makes feature maps of it, and of these ten logits.")),
    el("div", { class: "drawing" },
      el("div", {}, pad, el("div", { class: "buttons" }, button(t("Clear"), clear),
        generator ? button(t("Let the generator draw one"), generate) : null)),
      el("div", {}, given, el("small", {}, t("as the network gets it"))),
      el("div", { class: "bars" }, ...bars.map(({ row }) => row))),
    said,
    el("h2", {}, t("Inside")),
    el("div", { class: "mosaics" }, ...layers.map((layer) => layer.view)));
  clear();
  generate();
  return { view, show: showMaps };
}
