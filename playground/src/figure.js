/** What a page shows, as a figure to keep: an SVG with lines and letters, or a GIF of what moves. */

import { recorded } from "./dom.js";
import { toGif } from "./gif.js";

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {Box & (
 *   {kind: "box", fill: string, stroke: string} | {kind: "picture", canvas: HTMLCanvasElement} |
 *   {kind: "image", image: HTMLImageElement} | {kind: "drawing", drawing: SVGSVGElement} | {kind: "text", text: string, font: string, fill: string}
 * )} Item
 */

const FIGURES = ".machines, .of-gan, .strips, .curves, .maps, .learners, .studio, .drawing, .mosaics, .film, .ward, .game, .uploaded";
/** What a reader sets, and what is only said to him. */
const LEFT_OUT = "button:not(.tile, .card), select, input, label, .controls, .player, .message, .settings, .note, .why, .join";
/** Of a drawing, what the style sheet says. */
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "font", "text-anchor", "transform", "transform-box", "transform-origin", "display", "marker-end", "image-rendering"];
const GAP = 16;
const MOST = 720; // pixels of a GIF's width

/**
 * All that is seen of an element, in the order in which it is drawn, and how large it is.
 * @param {Element} view
 */
function seen(view) {
  const figures = [...view.querySelectorAll(FIGURES)].filter((figure) =>
    figure.checkVisibility() && !figure.parentElement?.closest(FIGURES));
  /** @type {Item[]} */
  const items = [];
  let [width, below] = [0, GAP];
  for (const figure of figures) {
    const whole = figure.getBoundingClientRect();
    const at = (/** @type {DOMRect} */ { left, top, width, height }) => ({ x: left - whole.left + GAP, y: top - whole.top + below, width, height });
    let deepest = whole.top;
    const walker = document.createTreeWalker(figure, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
      node instanceof Element && (node.matches(LEFT_OUT) || !node.checkVisibility({ visibilityProperty: true }))
        ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!(node instanceof Element)) {
        if (node.parentElement instanceof SVGElement) continue; // of a drawing, which is kept whole
        items.push(...textsOf(/** @type {Text} */ (node)).map(({ rect, ...text }) => ({ kind: /** @type {const} */ ("text"), ...text, ...at(rect) })));
        continue;
      }
      if (node instanceof SVGElement) {
        if (node instanceof SVGSVGElement) items.push({ kind: "drawing", drawing: node, ...at(node.getBoundingClientRect()) });
        if (node instanceof SVGSVGElement) deepest = Math.max(deepest, node.getBoundingClientRect().bottom);
        continue;
      }
      const box = node.getBoundingClientRect();
      items.push(...boxOf(node, at(box)));
      if (node instanceof HTMLCanvasElement) items.push({ kind: "picture", canvas: node, ...at(box) });
      else if (node instanceof HTMLImageElement) items.push({ kind: "image", image: node, ...at(box) });
      if (!(node instanceof HTMLDivElement)) deepest = Math.max(deepest, box.bottom);
    }
    width = Math.max(width, whole.width);
    below += deepest - whole.top + GAP;
  }
  return { items, width: Math.ceil(width + 2 * GAP), height: Math.ceil(below) };
}

/**
 * @param {Element} element
 * @param {Box} box
 * @returns {Item[]}
 */
function boxOf(element, box) {
  const { backgroundColor, borderTopColor, borderTopWidth, borderBottomWidth } = getComputedStyle(element);
  const fill = /, 0\)$/.test(backgroundColor) ? "none" : backgroundColor;
  const stroke = parseFloat(borderTopWidth) && parseFloat(borderBottomWidth) ? borderTopColor : "none";
  const own = fill === "none" && stroke === "none" ? [] : [{ kind: /** @type {const} */ ("box"), fill, stroke, ...box }];
  const key = getComputedStyle(element, "::before"); // of a legend
  const [width, height] = [parseFloat(key.width), parseFloat(key.height)];
  return key.display === "none" || !(width && height) || /, 0\)$/.test(key.backgroundColor) ? own
    : [...own, { kind: "box", fill: key.backgroundColor, stroke: "none", x: box.x, y: box.y + 10 - height / 2, width, height }];
}

/**
 * The lines of a text, where they stand.
 * @param {Text} node
 */
function textsOf(node) {
  const style = getComputedStyle(/** @type {Element} */ (node.parentElement));
  /** @type {{text: string, font: string, fill: string, rect: DOMRect}[]} */
  const lines = [];
  for (const word of (node.data ?? "").matchAll(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s?/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const rect = range.getBoundingClientRect();
    const last = lines[lines.length - 1];
    if (last && Math.abs(last.rect.top - rect.top) < 2) last.text += word[0];
    else if (rect.width) lines.push({ text: word[0], font: `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`, fill: style.color, rect });
  }
  return lines;
}

/**
 * A drawing that stands for itself: its styles are written into it.
 * @param {SVGSVGElement} drawing
 * @param {Box} box
 */
function drawingOf(drawing, { x, y, width, height }) {
  const copy = /** @type {SVGSVGElement} */ (drawing.cloneNode(true));
  const copies = [copy, ...copy.querySelectorAll("*")];
  [drawing, ...drawing.querySelectorAll("*")].forEach((element, k) => {
    const style = getComputedStyle(element);
    copies[k].setAttribute("style", STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
  });
  for (const [name, value] of Object.entries({ x, y, width, height, xmlns: "http://www.w3.org/2000/svg" })) copy.setAttribute(name, String(value));
  return new XMLSerializer().serializeToString(copy);
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

/** @param {Element} view */
const paperOf = (view) => getComputedStyle(/** @type {Element} */ (view.closest(".page"))).backgroundColor;

/**
 * @param {Element} view of a part
 * @param {() => void} redraw draws all of its canvases again
 */
export function toSvg(view, redraw) {
  const drawn = recorded(redraw);
  const { items, width, height } = seen(view);
  const parts = items.map((item) => {
    const place = `x="${item.x}" y="${item.y}" width="${item.width}" height="${item.height}"`;
    if (item.kind === "box") return `<rect ${place} fill="${item.fill}" stroke="${item.stroke}" rx="3"/>`;
    if (item.kind === "drawing") return drawingOf(item.drawing, item);
    if (item.kind === "image") return `<image ${place} href="${escaped(item.image.src)}"/>`;
    if (item.kind === "text") return `<text x="${item.x}" y="${item.y + 0.78 * item.height}" style="font:${escaped(item.font)}" fill="${item.fill}" xml:space="preserve">${escaped(item.text)}</text>`;
    const lines = drawn.get(item.canvas);
    return lines ? `<svg ${place} overflow="hidden">${lines.join("")}</svg>`
      : `<image ${place} href="${item.canvas.toDataURL()}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${paperOf(view)}"/>${parts.join("")}</svg>`;
}

/**
 * What is seen now, as points in red, green, blue and opacity.
 * @param {Element} view
 * @param {{width: number, height: number} | null} size of the pictures before it
 */
export async function toPicture(view, size) {
  const { items, width, height } = seen(view);
  const scale = size ? size.width / width : Math.min(1, MOST / width);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = size ? [size.width, size.height] : [Math.round(width * scale), Math.round(height * scale)];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.fillStyle = paperOf(view);
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  for (const item of items) {
    const { x, y, width: wide, height: tall } = item;
    if (item.kind === "picture") {
      context.imageSmoothingEnabled = item.canvas.width > wide;
      if (item.canvas.width && item.canvas.height) context.drawImage(item.canvas, x, y, wide, tall);
    } else if (item.kind === "image") context.drawImage(item.image, x, y, wide, tall);
    else if (item.kind === "drawing") {
      const picture = new Image();
      picture.src = `data:image/svg+xml,${encodeURIComponent(drawingOf(item.drawing, { x: 0, y: 0, width: wide, height: tall }))}`;
      await picture.decode();
      context.drawImage(picture, x, y, wide, tall);
    }
    else if (item.kind === "text") {
      context.font = item.font;
      context.fillStyle = item.fill;
      context.fillText(item.text, x, y + 0.78 * tall);
    } else {
      if (item.fill !== "none") {
        context.fillStyle = item.fill;
        context.fillRect(x, y, wide, tall);
      }
      if (item.stroke !== "none") {
        context.strokeStyle = item.stroke;
        context.strokeRect(x, y, wide, tall);
      }
    }
  }
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/**
 * @param {ImageData[]} pictures all of one size
 * @param {number} milliseconds of each
 */
export const film = (pictures, milliseconds) =>
  new Blob([toGif(pictures, milliseconds)], { type: "image/gif" });
