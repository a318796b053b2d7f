/** Elements, texts in two languages, and colours: what all parts of the page are made with. */

/** @typedef {"en" | "zh"} Language */

/** @type {HTMLElement} */
let root; // of the page; it has the colours
/** @type {Language} */
let language = "en";
/** @type {Record<string, string>} */
let chinese = {};

/**
 * @param {Language} chosen
 * @param {Record<string, string>} texts
 */
export function setLanguage(chosen, texts) {
  language = chosen;
  chinese = texts;
}

/** @param {HTMLElement} element */
export function setRoot(element) {
  root = element;
}

/**
 * A text in the language of the page; %(name)s is filled in.
 * @param {string} text in English
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  const template = language === "zh" ? (chinese[text] ?? text) : text;
  return template.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));
}

/** For each count of decimals: to make one takes longer than to use it. @type {Record<number, Intl.NumberFormat>} */
const formats = {};

/**
 * A number as the reader's language writes it.
 * @param {number} value
 * @param {number} [decimals]
 */
export function number(value, decimals = 0) {
  if (!Number.isFinite(value)) return "–";
  const format = (formats[decimals] ??= new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
  return format.format(value).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LEAST = 1e-30; // below it a number in single precision says nothing

/**
 * A positive number of any size, such as 3 × 10⁻⁷.
 * @param {number} value
 * @returns {string}
 */
export function magnitude(value) {
  if (value < LEAST) return t("less than %(least)s", { least: magnitude(LEAST) });
  if (value >= 0.01 && value < 1000) return number(value, value < 0.1 ? 3 : value < 10 ? 1 : 0);
  const [mantissa, exponent] = value.toExponential(0).split("e");
  const raised = Array.from(exponent.replace("+", ""), (one) => SUPERSCRIPTS[Number(one)] ?? "⁻").join("");
  return mantissa === "1" ? `10${raised}` : `${mantissa} × 10${raised}`;
}

/**
 * 100% only where it is all.
 * @param {number} share 0 to 1
 */
export const percent = (share) =>
  share > 0.99 && share < 1 ? `${number(Math.min(100 * share, 99.9), 1)}%` : `${number(100 * share)}%`;

/**
 * An element. Properties that begin with "on" are listeners, "class" and those with a hyphen
 * attributes, all others properties.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "for" || name === "role" || name.includes("-")) {
      element.setAttribute(name, value);
    } else Object.assign(element, { [name]: value });
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, any>} [properties]
 */
export const button = (text, onclick, properties = {}) =>
  el("button", { type: "button", onclick, ...properties }, text);

/**
 * What stands below and is closed until somebody asks for it.
 * @param {string} title
 * @param {() => void} redraw when it is opened
 * @param {...Node} children
 */
export const closed = (title, redraw, ...children) =>
  el("details", { ontoggle: redraw }, el("summary", {}, el("h2", {}, title)), ...children);

/** Whether an element is in such a place that is closed now: then there is nothing to draw. @param {Element} view */
export const isClosed = (view) => view.closest("details:not([open])") !== null;

let count = 0;

/**
 * A field with its label above.
 * @param {string | Node} text
 * @param {HTMLElement} field
 */
export function labelled(text, field) {
  field.id = `field-${count++}`;
  return el("div", { class: "field" }, el("label", { for: field.id }, text), field);
}

/**
 * @param {[value: string, text: string][]} options
 * @param {string} chosen
 * @param {(value: string) => void} choose
 */
export function select(options, chosen, choose) {
  const field = el(
    "select",
    { onchange: () => choose(field.value) },
    ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
  );
  return field;
}

/**
 * A font for a canvas.
 * @param {number} [size] in pixels where the reader's type has its usual size
 */
export const font = (size = 13) =>
  `${(size / 16) * parseFloat(getComputedStyle(document.documentElement).fontSize)}px system-ui, sans-serif`;

/** The canvases that are drawn while it is recorded, each as parts of an SVG. @type {Map<HTMLCanvasElement, string[]> | null} */
let record = null;

/**
 * What is drawn on canvases that were made ready by `prepare`.
 * @param {() => void} draw
 * @returns {Map<HTMLCanvasElement, string[]>}
 */
export function recorded(draw) {
  const found = (record = new Map());
  try {
    draw();
  } finally {
    record = null;
  }
  return found;
}

/**
 * The same context, and what it draws is written down, too.
 * @param {CanvasRenderingContext2D} context
 * @param {string[]} parts
 * @returns {CanvasRenderingContext2D}
 */
function writing(context, parts) {
  let path = "";
  const ink = () => `opacity="${context.globalAlpha}"`;
  const escape = (/** @type {any} */ text) => String(text).replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);
  const anchor = () => ({ left: "start", right: "end" })[/** @type {"left"} */ (context.textAlign)] ?? "middle";
  /** @type {Record<string, (...given: any[]) => void>} */
  const notes = {
    beginPath: () => { path = ""; },
    moveTo: (x, y) => { path += `M${x} ${y}`; },
    lineTo: (x, y) => { path += `${path ? "L" : "M"}${x} ${y}`; },
    arc: (x, y, r) => { path += `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`; }, // all are whole
    fill: () => parts.push(`<path d="${path}" fill="${context.fillStyle}" ${ink()}/>`),
    stroke: () => parts.push(`<path d="${path}" fill="none" stroke="${context.strokeStyle}" stroke-width="${context.lineWidth}" stroke-dasharray="${context.getLineDash()}" ${ink()}/>`),
    fillRect: (x, y, width, height) => parts.push(`<rect x="${x}" y="${y}" width="${width}" height="${Math.max(0, height)}" fill="${context.fillStyle}" ${ink()}/>`),
    fillText: (text, x, y) => parts.push(`<text x="${x}" y="${y}" style="font:${context.font}" text-anchor="${anchor()}" dominant-baseline="central" fill="${context.fillStyle}" ${ink()}>${escape(text)}</text>`),
    drawImage: (image, x, y, width, height) => parts.push(`<image x="${x}" y="${y}" width="${width}" height="${height}" href="${image.toDataURL()}" preserveAspectRatio="none"/>`),
  };
  return new Proxy(context, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      return typeof value !== "function" ? value : (/** @type {any[]} */ ...given) => {
        notes[String(name)]?.(...given);
        return value.apply(target, given);
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/**
 * A canvas's context, as large as the canvas is shown, in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function prepare(canvas, width, height) {
  const scale = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.font = font();
  context.textAlign = "center";
  context.textBaseline = "middle";
  if (!record) return context;
  const parts = /** @type {string[]} */ ([]);
  record.set(canvas, parts);
  return writing(context, parts);
}

/**
 * A colour of the style sheet.
 * @param {string} name
 */
export const colour = (name) =>
  getComputedStyle(root).getPropertyValue(`--${name}`).trim();

export const isDark = () => root.classList.contains("dark");

/** From the lowest value to the highest; what is near the background says little. */
const PALETTES = {
  map: { light: [[250, 250, 250], [30, 80, 190]], dark: [[28, 32, 42], [140, 195, 255]] },
  // An open gate is paper, a shut one ink: what a network stops can be seen.
  i: { light: [[14, 116, 144], [250, 250, 250]], dark: [[103, 214, 238], [28, 32, 42]] },
  f: { light: [[161, 98, 7], [250, 250, 250]], dark: [[245, 196, 81], [28, 32, 42]] },
  o: { light: [[87, 83, 78], [250, 250, 250]], dark: [[205, 200, 190], [28, 32, 42]] },
  signed: {
    light: [[196, 78, 10], [250, 250, 250], [30, 80, 190]],
    dark: [[255, 160, 90], [28, 32, 42], [140, 195, 255]],
  },
};

/**
 * @param {keyof typeof PALETTES} kind
 * @param {number} share 0 to 1, from the lowest value to the highest
 * @returns {number[]} red, green, blue
 */
export function shade(kind, share) {
  const anchors = PALETTES[kind][isDark() ? "dark" : "light"];
  const at = Math.min(1, Math.max(0, share || 0)) * (anchors.length - 1);
  const low = Math.min(Math.floor(at), anchors.length - 2);
  return anchors[low].map((value, k) => value + (at - low) * (anchors[low + 1][k] - value));
}

/**
 * A matrix as a picture, one point for each value; the style sheet stretches it.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number} at
 * @param {keyof typeof PALETTES} kind
 * @param {number} low
 * @param {number} high
 */
export function drawMatrix(canvas, width, height, at, kind, low, high) {
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const table = Array.from({ length: 256 }, (_, k) => shade(kind, k / 255));
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k += 4) {
      const share = Math.min(1, Math.max(0, (at(x, y) - low) / (high - low)));
      image.data.set(table[Math.round(255 * share) || 0], k);
      image.data[k + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * An image of digits in shades of grey, ink on paper.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values 0 (background) to 1 (ink)
 * @param {number} side
 */
export function drawImage(canvas, values, side = 28) {
  canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(side, side);
  for (let k = 0; k < side * side; k++) {
    image.data.fill(Math.round(255 * values[k]), 4 * k, 4 * k + 3);
    image.data[4 * k + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/**
 * Offer a file to keep.
 * @param {string} name
 * @param {Blob} content
 */
export function saveAs(name, content) {
  const url = URL.createObjectURL(content);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
