/** The latent studio: samples of the generator, walks between them, and a plane through three. */

import { button, colour, download, drawImage, el, labelled, number, percent, prepare, select, t } from "./dom.js";
import { toGif } from "./gif.js";
import { isStill, player } from "./player.js";
import { argmax, normalFrom, softmax, uniformFrom } from "./tensors.js";

const NUM_TILES = 25;
const NUM_FRAMES = 17;
const SURE = 0.9; // a sample counts as of a class from this probability on
const WORK = 20; // milliseconds between two pictures
const REGIONS = 14; // points of the plane, each way, of which the class is shown
const MARGIN = 0.25; // of the plane beyond the three samples

export const initial = () => ({ seed: 42, digit: "any", corners: [0, 1, 2] });

/**
 * @typedef {{z: Float32Array, image: Float32Array, digit: number, share: number}} Sample
 */

/**
 * @param {import("./images.js").Generator} generator
 * @param {import("./models.js").Networks} networks
 * @param {ReturnType<typeof initial>} state
 */
export function studio(generator, { classifier, discriminator }, state) {
  /** @type {Sample[]} */
  let samples = [];
  /** Tiles that were clicked, one or two. */
  let clicked = /** @type {number[]} */ ([]);
  let job = 0;

  /**
   * @param {Float32Array} z
   * @returns {Sample}
   */
  function sample(z) {
    const image = generator.forward(z);
    if (!classifier) return { z, image, digit: -1, share: 0 };
    const shares = softmax(classifier.forward(image));
    const digit = argmax(shares);
    return { z, image, digit, share: shares[digit] };
  }

  /** @param {Sample} one */
  const verdict = (one) => (classifier ? t("%(digit)s (%(share)s)", { digit: one.digit, share: percent(one.share) }) : "");

  const tiles = Array.from({ length: NUM_TILES }, (_, k) => {
    const canvas = el("canvas", { width: 28, height: 28 });
    const badge = el("span", { class: "badge" });
    const tile = el("button", { type: "button", class: "tile", onclick: () => click(k), onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const move = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: 5, ArrowUp: -5 })[event.key];
      if (!move) return;
      event.preventDefault();
      tiles[(k + move + NUM_TILES) % NUM_TILES].tile.focus();
    } }, canvas, badge);
    return { tile, canvas, badge };
  });
  const progress = el("p", { class: "message quiet", role: "status" });
  const seed = el("input", { type: "number", min: "0", max: "999999", step: "1", value: String(state.seed), onchange: () => {
    const value = Number(seed.value);
    if (!Number.isInteger(value) || value < 0 || value > 999999) {
      progress.textContent = t("The seed is a whole number from 0 to 999,999.");
      return;
    }
    state.seed = value;
    draw();
  } });

  /** Draw new samples, a few between two pictures, until there are enough of the class. */
  function draw() {
    const mine = ++job;
    const normal = normalFrom(uniformFrom(state.seed));
    samples = [];
    clicked = [];
    film.pause();
    showTiles();
    let tried = 0;
    const work = () => {
      if (mine !== job) return;
      const until = performance.now() + WORK;
      while (samples.length < NUM_TILES && performance.now() < until) {
        const one = sample(Float32Array.from({ length: generator.latent_dim }, normal));
        tried++;
        if (state.digit === "any" || (String(one.digit) === state.digit && one.share >= SURE)) samples.push(one);
      }
      showTiles();
      progress.textContent = samples.length < NUM_TILES ? t("%(count)s samples tried", { count: tried }) : "";
      if (samples.length < NUM_TILES) setTimeout(() => requestAnimationFrame(work));
      else begin();
    };
    work();
  }

  /** Two tiles are chosen at first, of different classes if there are any. */
  function begin() {
    const other = Math.max(1, samples.findIndex((one) => one.digit !== samples[0].digit));
    const third = samples.findIndex((one, k) => k && k !== other && one.digit !== samples[0].digit && one.digit !== samples[other].digit);
    state.corners = [0, other, third > 0 ? third : other === 1 ? 2 : 1];
    clicked = [0, other];
    showTiles();
    walk(false);
    openPlane();
  }

  function showTiles() {
    tiles.forEach(({ tile, canvas, badge }, k) => {
      const one = samples[k];
      tile.disabled = !one;
      drawImage(canvas, one?.image ?? new Float32Array(784));
      const place = clicked.indexOf(k);
      tile.setAttribute("aria-pressed", String(place >= 0));
      tile.setAttribute("aria-label", one ? t("Sample %(number)s: %(verdict)s", { number: k + 1, verdict: verdict(one) }) : "");
      badge.textContent = ["A", "B"][place] ?? "";
    });
  }

  /** @param {number} k */
  function click(k) {
    if (clicked.length === 2 || clicked[0] === k) clicked = [];
    clicked.push(k);
    showTiles();
    if (clicked.length < 2) {
      film.pause();
      caption.textContent = t("Now click the sample where the walk ends.");
      return;
    }
    const [from, to] = clicked;
    const third = samples.findIndex((one, j) => j !== from && j !== to && one.digit !== samples[from].digit && one.digit !== samples[to].digit);
    state.corners = [from, to, third >= 0 ? third : [0, 1, 2].find((j) => j !== from && j !== to) ?? 0];
    walk(!isStill());
    openPlane();
  }

  // The walk

  /** @type {Sample[]} */
  let frames = [];
  const big = el("canvas", { class: "big", width: 28, height: 28, role: "img" });
  const caption = el("p", { class: "caption" });
  const film = player(t("Place on the walk from A to B"), NUM_FRAMES, (frame) => showFrame(frame), true);

  /** @param {boolean} play */
  function walk(play) {
    const [a, b] = clicked.map((k) => samples[k].z);
    frames = Array.from({ length: NUM_FRAMES }, (_, k) => {
      const share = k / (NUM_FRAMES - 1);
      return sample(a.map((value, j) => value + share * (b[j] - value)));
    });
    film.pause();
    film.go(0);
    if (play) film.play();
  }

  /** @param {number} frame */
  function showFrame(frame) {
    const one = frames[frame];
    if (!one) return;
    drawImage(big, one.image);
    big.setAttribute("aria-label", verdict(one));
    film.slider.setAttribute("aria-valuetext", verdict(one));
    const share = percent(frame / (NUM_FRAMES - 1));
    caption.textContent = [
      t("%(share)s of the way from A to B", { share }),
      classifier ? t("the classifier says %(verdict)s", { verdict: verdict(one) }) : "",
      discriminator ? t("the discriminator's logit is %(logit)s (above 0: real)", { logit: number(discriminator.forward(one.image)[0], 1) }) : "",
    ].filter(Boolean).join(t("; ")) + t(".");
  }

  // The plane z = A + x (B - A) + y (C - A)

  const plane = el("canvas", { class: "plane", tabIndex: 0, role: "slider", "aria-label": t("Point in the plane through A, B and C; move it with the arrow keys"), "aria-valuemin": "0", "aria-valuemax": "1" });
  const seen = el("canvas", { class: "seen", width: 28, height: 28, role: "img" });
  const seenText = el("p", { class: "caption" });
  let [px, py] = [0.33, 0.33];
  /** @type {Int8Array} */
  let regions = new Int8Array(REGIONS * REGIONS).fill(-1);

  /**
   * @param {number} x
   * @param {number} y
   */
  function at(x, y) {
    const [a, b, c] = state.corners.map((k) => samples[k].z);
    return a.map((value, j) => value + x * (b[j] - value) + y * (c[j] - value));
  }

  const span = 1 + 2 * MARGIN;
  const toPlane = (/** @type {number} */ share) => share * span - MARGIN;

  function openPlane() {
    regions = new Int8Array(REGIONS * REGIONS).fill(-1);
    [px, py] = [0.33, 0.33];
    showRegions();
    showPoint();
    const mine = job;
    const corners = state.corners;
    let k = 0;
    const work = () => {
      if (mine !== job || corners !== state.corners || !classifier) return;
      const until = performance.now() + WORK;
      for (; k < regions.length && performance.now() < until; k++) {
        const x = toPlane(((k % REGIONS) + 0.5) / REGIONS);
        const y = toPlane(1 - (Math.floor(k / REGIONS) + 0.5) / REGIONS);
        regions[k] = sample(at(x, y)).digit;
      }
      showRegions();
      if (k < regions.length && view.isConnected) setTimeout(() => requestAnimationFrame(work));
    };
    work();
  }

  /** The classes, drawn once for all points. */
  const ground = el("canvas");

  function showRegions() {
    const side = plane.clientWidth || 224;
    const context = prepare(ground, side, side);
    const cell = side / REGIONS;
    context.fillStyle = colour("box");
    context.fillRect(0, 0, side, side);
    regions.forEach((digit, k) => {
      if (digit < 0) return;
      context.fillStyle = `hsl(${36 * digit} 70% 55% / .3)`;
      const [x, y] = [(k % REGIONS) * cell, Math.floor(k / REGIONS) * cell];
      context.fillRect(x, y, cell + 0.5, cell + 0.5);
      context.fillStyle = colour("text");
      context.font = "10px system-ui, sans-serif";
      context.fillText(String(digit), x + cell / 2, y + cell / 2 + 1);
    });
    showPlane();
  }

  function showPlane() {
    const side = plane.clientWidth || 224;
    const context = prepare(plane, side, side);
    context.drawImage(ground, 0, 0, side, side);
    const place = (/** @type {number} */ x, /** @type {number} */ y) => [((x + MARGIN) / span) * side, (1 - (y + MARGIN) / span) * side];
    context.font = "bold 15px system-ui, sans-serif";
    for (const [name, x, y] of /** @type {const} */ ([["A", 0, 0], ["B", 1, 0], ["C", 0, 1]])) {
      const [left, top] = place(x, y);
      context.fillStyle = colour("accent");
      context.beginPath();
      context.arc(left, top, 11, 0, 7);
      context.fill();
      context.fillStyle = colour("on-accent");
      context.fillText(name, left, top + 1);
    }
    const [left, top] = place(px, py);
    context.strokeStyle = colour("cursor");
    context.lineWidth = 3;
    context.beginPath();
    context.arc(left, top, 9, 0, 7);
    context.stroke();
  }

  function showPoint() {
    if (samples.length < NUM_TILES) return;
    const one = sample(at(px, py));
    drawImage(seen, one.image);
    seen.setAttribute("aria-label", verdict(one));
    const values = { x: number(px, 2), y: number(py, 2), verdict: verdict(one) };
    plane.setAttribute("aria-valuenow", number(px, 2));
    plane.setAttribute("aria-valuetext", `${values.x}, ${values.y}: ${values.verdict}`);
    seenText.textContent = t("z = A + %(x)s (B − A) + %(y)s (C − A)", values) + (classifier ? `: ${values.verdict}` : "");
    showPlane();
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!event.buttons && event.type !== "pointerdown") return;
    const box = plane.getBoundingClientRect();
    const within = (/** @type {number} */ share) => Math.min(1, Math.max(0, share));
    px = toPlane(within((event.clientX - box.left) / box.width));
    py = toPlane(1 - within((event.clientY - box.top) / box.height));
    showPoint();
  }
  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(event.pointerId);
    drag(event);
  });
  plane.addEventListener("pointermove", drag);
  plane.addEventListener("keydown", (event) => {
    const move = /** @type {Record<string, number[]>} */ ({ ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] })[event.key];
    if (!move) return;
    event.preventDefault();
    const within = (/** @type {number} */ value) => Math.min(1 + MARGIN, Math.max(-MARGIN, value));
    [px, py] = [within(px + move[0] / 20), within(py + move[1] / 20)];
    showPoint();
  });

  /** The 25 samples as one picture. */
  function savePng() {
    const scale = 3;
    const sheet = el("canvas", { width: 5 * 28 * scale, height: 5 * 28 * scale });
    const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    context.imageSmoothingEnabled = false;
    tiles.forEach(({ canvas }, k) =>
      context.drawImage(canvas, (k % 5) * 28 * scale, Math.floor(k / 5) * 28 * scale, 28 * scale, 28 * scale));
    download(`samples_seed${state.seed}.png`, sheet.toDataURL("image/png"));
  }

  function saveGif() {
    const images = [...frames, ...frames.slice(1, -1).reverse()].map((one) => one.image);
    const url = URL.createObjectURL(new Blob([toGif(images, 28, 5, 120)], { type: "image/gif" }));
    const [from, to] = [frames[0], frames[NUM_FRAMES - 1]].map((one) => (classifier ? one.digit : "z"));
    download(`walk_${from}_to_${to}_seed${state.seed}.gif`, url);
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  const digit = select([["any", t("any")], ...Array.from({ length: 10 }, (_, k) => /** @type {[string, string]} */ ([String(k), String(k)]))],
    state.digit, (value) => { state.digit = value; draw(); });
  const view = el("div", {},
    el("p", { class: "task" }, t("The generator turns %(count)s random numbers, z, into a digit; nobody tells it which one. Click two samples to walk from A to B in a straight line.", { count: generator.latent_dim })),
    el("div", { class: "controls" },
      button(t("New samples"), () => { state.seed = Math.floor(Math.random() * 1e6); seed.value = String(state.seed); draw(); }, { class: "primary" }),
      labelled(t("Seed"), seed), classifier ? labelled(t("Only of class"), digit) : null,
      el("div", { class: "buttons" }, button(t("Save samples (PNG)"), savePng), button(t("Save walk (GIF)"), saveGif))),
    progress,
    el("div", { class: "studio" },
      el("div", {}, el("div", { class: "tiles" }, ...tiles.map(({ tile }) => tile))),
      el("div", {}, el("h2", {}, t("The walk")), big, film.view, caption),
      el("div", {}, el("h2", {}, t("A plane through three")), plane, seen, seenText,
        classifier ? el("p", { class: "legend" }, t("The small digits are what the classifier sees there. Drag the ring.")) : null)),
  );
  return { view, show: () => (samples.length ? showRegions() : draw()) };
}
