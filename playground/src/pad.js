/** A pad to draw on with mouse, finger or pen, and the image of MNIST's kind that it becomes. */

import { el, t } from "./dom.js";

/** @typedef {[x: number, y: number]} Point on the pad, in 0..SIDE */

const SIDE = 280; // points of the pad
const PEN = 22; // what is seen while drawing
const BOX = 200; // the digit's longer side when it is drawn again, ten times MNIST's
const BOX_PEN = 24; // about as thick as MNIST's strokes, whatever the size of the drawing
const PACE = 10; // points that an arrow key moves the pen
const DOT = 4; // points; a drawing smaller than this has no shape

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
 * Boxes around the pieces that hang together.
 * @param {ArrayLike<number>} ink (side * side) in 0..1
 * @param {number} side
 */
function pieces(ink, side) {
  const seen = new Uint8Array(side * side);
  const boxes = [];
  for (let start = 0; start < side * side; start++) {
    if (seen[start] || ink[start] < 0.5) continue;
    const box = { left: side, right: 0, top: side, bottom: 0, area: 0 };
    const open = [start];
    seen[start] = 1;
    for (let k = open.pop(); k !== undefined; k = open.pop()) {
      const [x, y] = [k % side, Math.floor(k / side)];
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
      box.area++;
      for (const next of [x > 0 ? k - 1 : -1, x < side - 1 ? k + 1 : -1, k - side, k + side]) {
        if (next < 0 || next >= side * side || seen[next] || ink[next] < 0.5) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    boxes.push(box);
  }
  return boxes;
}

/**
 * Whether two pieces stand beside each other, each at least half as high as both together: the two
 * strokes of a 4 or a 5 do not, but 17 does.
 * @param {ArrayLike<number>} ink (side * side) in 0..1
 * @param {number} side
 */
export function areTwo(ink, side) {
  const boxes = pieces(ink, side);
  const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top)) + 1;
  const high = boxes.filter(({ top, bottom }) => 2 * (bottom - top + 1) >= height);
  return high.some((a, k) => high.slice(0, k).some((b) => {
    const shared = Math.min(a.right, b.right) - Math.max(a.left, b.left) + 1;
    return 3 * shared < Math.min(a.right - a.left, b.right - b.left) + 1;
  }));
}

/**
 * The strokes drawn again, as large as MNIST's digits and with a pen as thick: so a small drawing
 * has the same shape as a large one, and is no blot.
 * @param {Point[][]} strokes
 * @returns {{image: Float32Array | null, refused: string}} (28 * 28), or why there is none
 */
export function imageOf(strokes) {
  const points = strokes.flat();
  if (!points.length) return { image: null, refused: "" };
  const [left, right, top, bottom] = [0, 1].flatMap((axis) => {
    const places = points.map((point) => point[axis]);
    return [Math.min(...places), Math.max(...places)];
  });
  const size = Math.max(right - left, bottom - top);
  if (size < DOT) return { image: null, refused: t("That is only a dot. Draw a digit.") };
  const scale = (BOX - BOX_PEN) / size;
  const pen = newPen(el("canvas", { width: SIDE, height: SIDE }), BOX_PEN);
  for (const stroke of strokes) {
    pen.beginPath();
    for (const [x, y] of [stroke[0], ...stroke]) {
      pen.lineTo(SIDE / 2 + (x - (left + right) / 2) * scale, SIDE / 2 + (y - (top + bottom) / 2) * scale);
    }
    pen.stroke();
  }
  const ink = inkOf(pen);
  if (areTwo(ink, SIDE)) {
    return { image: null, refused: t("These seem to be two digits, and the network reads one. Clear the pad and draw one, in one piece.") };
  }
  return { image: centre(ink, SIDE), refused: "" };
}

/**
 * White on black.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 */
function newPen(canvas, width) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#fff";
  return pen;
}

/** @param {CanvasRenderingContext2D} pen */
function inkOf(pen) {
  const { data } = pen.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE }, (_, k) => data[4 * k] / 255);
}

/**
 * @param {(strokes: Point[][]) => void} drawn called with all strokes, at most once for each frame
 */
export function drawingPad(drawn) {
  const canvas = el("canvas", { class: "pad", width: SIDE, height: SIDE, role: "application", tabIndex: 0, "aria-label": t("Draw a digit here: with a mouse, a finger, or the arrow keys. Space puts the pen down and lifts it.") });
  const cursor = el("span", { class: "pen", "aria-hidden": "true" });
  let pen = newPen(canvas, PEN);
  /** @type {Point[][]} */
  let strokes = [];
  let isPicture = false; // on the pad; the first stroke wipes it away
  let isDown = false;
  let waiting = false;

  /** @param {PointerEvent} event */
  function extend(event) {
    if (!isDown) return;
    const box = canvas.getBoundingClientRect();
    for (const { clientX, clientY } of event.getCoalescedEvents?.() ?? []) add(clientX, clientY);
    add(event.clientX, event.clientY);
    function add(/** @type {number} */ x, /** @type {number} */ y) {
      line(((x - box.left) * SIDE) / box.width, ((y - box.top) * SIDE) / box.height);
    }
  }

  /** Draw on to a point of the pad. @param {number} x @param {number} y */
  function line(x, y) {
    const stroke = strokes[strokes.length - 1];
    const here = /** @type {Point} */ ([x, y]);
    pen.beginPath();
    pen.moveTo(...(stroke[stroke.length - 1] ?? here));
    pen.lineTo(...here);
    pen.stroke();
    stroke.push(here);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawn(strokes);
    });
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (isPicture) wipe();
    isDown = true;
    strokes.push([]);
    extend(event);
  });
  canvas.addEventListener("pointermove", extend);
  /** Where the pen of the arrow keys is, and whether it draws. */
  const keys = { x: SIDE / 2, y: SIDE / 4, isDown: false };

  function showPen() {
    [cursor.style.left, cursor.style.top] = [`${(100 * keys.x) / SIDE}%`, `${(100 * keys.y) / SIDE}%`];
    cursor.classList.toggle("down", keys.isDown);
  }
  canvas.addEventListener("focus", showPen);
  canvas.addEventListener("keydown", (event) => {
    const move = /** @type {Record<string, number[]>} */ ({ ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] })[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    if (move) {
      keys.x = Math.min(SIDE, Math.max(0, keys.x + PACE * move[0]));
      keys.y = Math.min(SIDE, Math.max(0, keys.y + PACE * move[1]));
    } else {
      keys.isDown = !keys.isDown;
      if (isPicture && keys.isDown) wipe();
      if (keys.isDown) strokes.push([]);
    }
    if (keys.isDown) line(keys.x, keys.y);
    showPen();
  });

  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { isDown = false; });

  function wipe() {
    pen = newPen(canvas, PEN);
    strokes = [];
    isPicture = false;
  }
  return {
    view: el("div", { class: "paper" }, canvas, cursor),
    wipe() {
      keys.isDown = false;
      showPen();
      wipe();
    },
    /** @param {HTMLCanvasElement} picture to be shown until the first stroke */
    put: (picture) => {
      wipe();
      pen.imageSmoothingEnabled = true;
      pen.drawImage(picture, 0, 0, SIDE, SIDE);
      isPicture = true;
    },
  };
}
