/** The plane z = A + x (B - A) + y (C - A) through three samples, to be dragged in. */

import { colour, drawImage, el, number, percent, prepare, t } from "./dom.js";
import { newest } from "./source.js";

/** @typedef {import("./source.js").Sample} Sample */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {{corners: Float32Array[], x: number, y: number}} Point */

const REGIONS = 14; // points of the plane, each way, of which the class is shown
const MARGIN = 0.25; // of the plane beyond the three samples
const SPAN = 1 + 2 * MARGIN;
const STEP = 1 / 20; // of an arrow key

/** @param {number} value */
const within = (value) => Math.min(1 + MARGIN, Math.max(-MARGIN, value));

/** @param {number} x @param {number} y */
const weightsOf = (x, y) => [1 - x - y, x, y];

/**
 * @param {import("./source.js").Source} source
 * @param {{x: number, y: number}} state
 * @param {(isStep?: boolean) => void} changed
 */
export function planeThrough(source, state, changed) {
  const plane = el("canvas", { class: "plane", tabIndex: 0, role: "slider", "aria-label": t("Point in the plane through A, B and C; move it with the arrow keys"), "aria-valuemin": String(-MARGIN), "aria-valuemax": String(1 + MARGIN) });
  const ground = el("canvas"); // the classes, drawn once for all points
  const seen = el("canvas", { class: "seen", width: 28, height: 28, role: "img" });
  const said = el("p", { class: "caption" });
  const message = el("p", { class: "message", role: "alert" });
  /** @type {Float32Array[]} */
  let corners = [];
  let regions = new Int8Array(REGIONS * REGIONS).fill(-1);

  function clear() {
    corners = [];
    regions.fill(-1);
    drawImage(seen, new Float32Array(784));
    seen.setAttribute("aria-label", t("nothing yet"));
    plane.setAttribute("aria-valuenow", state.x.toFixed(2));
    said.textContent = message.textContent = "";
    show();
  }

  /** @param {Sample[]} samples A, B and C */
  async function open(samples) {
    clear();
    const mine = (corners = samples.map(({ z }) => z));
    ask({ corners, ...state });
    show();
    if (!source.canName) return;
    const shares = Array.from({ length: REGIONS }, (_, k) => ((k + 0.5) / REGIONS) * SPAN - MARGIN);
    try {
      for (let row = 0; row < REGIONS && mine === corners; row++) {
        const digits = await source.name(mine, shares.map((x) => weightsOf(x, shares[REGIONS - 1 - row])));
        if (mine !== corners) return;
        regions.set(digits, row * REGIONS);
        show();
      }
    } catch (error) {
      if (mine === corners) message.textContent = /** @type {Error} */ (error).message;
    }
  }

  const ask = newest(
    async (/** @type {Point} */ { corners: of, x, y }) => (await source.draw(of, [weightsOf(x, y)]))[0],
    (picture, point) => { if (point.corners === corners) showPicture(picture, point); },
    (error) => { message.textContent = error.message; },
  );

  /**
   * @param {Picture} picture
   * @param {Point} point
   */
  function showPicture(picture, point) {
    drawImage(seen, picture.image);
    const values = { x: number(point.x, 2), y: number(point.y, 2) };
    const verdicts = [
      source.canName ? t("classifier: %(verdict)s", { verdict: t("%(digit)s (%(share)s)", { digit: picture.digit, share: percent(picture.share) }) }) : "",
      source.canJudge ? t("discriminator: %(logit)s", { logit: number(picture.logit, 1) }) : "",
    ].filter(Boolean);
    plane.setAttribute("aria-valuenow", point.x.toFixed(2));
    plane.setAttribute("aria-valuetext", [`${values.x}, ${values.y}`, ...verdicts].join(t("; ")));
    seen.setAttribute("aria-label", verdicts.join(t("; ")));
    said.textContent = [t("z = A + %(x)s (B − A) + %(y)s (C − A)", values), ...verdicts].join("\n");
    message.textContent = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  function move(x, y) {
    if (!corners.length) return;
    [state.x, state.y] = [within(x), within(y)];
    ask({ corners, ...state });
    showPoint();
  }

  /** Draws classes and point, as wide as the plane now is. */
  function show() {
    const side = plane.clientWidth || 260;
    const context = prepare(ground, side, side);
    const cell = side / REGIONS;
    context.fillStyle = colour("box");
    context.fillRect(0, 0, side, side);
    context.font = `${Math.max(10, side / 26)}px system-ui, sans-serif`;
    regions.forEach((digit, k) => {
      if (digit < 0) return;
      context.fillStyle = `hsl(${36 * digit} 70% 55% / .3)`;
      const [x, y] = [(k % REGIONS) * cell, Math.floor(k / REGIONS) * cell];
      context.fillRect(x, y, cell + 0.5, cell + 0.5);
      context.fillStyle = colour("text");
      context.fillText(String(digit), x + cell / 2, y + cell / 2 + 1);
    });
    showPoint();
  }

  function showPoint() {
    const side = plane.clientWidth || 260;
    const context = prepare(plane, side, side);
    context.drawImage(ground, 0, 0, side, side);
    if (!corners.length) return;
    const place = (/** @type {number} */ x, /** @type {number} */ y) => [((x + MARGIN) / SPAN) * side, (1 - (y + MARGIN) / SPAN) * side];
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
    const [left, top] = place(state.x, state.y);
    context.strokeStyle = colour("cursor");
    context.lineWidth = 3;
    context.beginPath();
    context.arc(left, top, 9, 0, 7);
    context.stroke();
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!event.buttons && event.type !== "pointerdown") return;
    const box = plane.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * SPAN - MARGIN, (1 - (event.clientY - box.top) / box.height) * SPAN - MARGIN);
  }
  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(event.pointerId);
    drag(event);
  });
  plane.addEventListener("pointermove", drag);
  plane.addEventListener("pointerup", () => changed()); // browsers refuse to change an address too often
  plane.addEventListener("keydown", (event) => {
    const way = /** @type {Record<string, number[]>} */ ({ ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] })[event.key];
    if (!way) return;
    event.preventDefault();
    move(state.x + way[0] * STEP, state.y + way[1] * STEP);
    changed();
  });

  const view = el("div", {},
    el("h2", {}, t("A plane through three samples")), plane,
    source.canName ? el("p", { class: "legend" }, t("The small digits are what the classifier sees there. Drag the ring.")) : null,
    el("div", { class: "point" }, seen, said), message);
  clear();
  return { view, open, clear, show };
}
