/**
 * A film as a GIF: "Graphics Interchange Format, Version 89a" (CompuServe, 1990), with the
 * variable-length codes of its appendix F (Lempel, Ziv and Welch).
 */

const BITS = 8; // 256 colours

/** @param {number} value */
const word = (value) => [value & 0xff, value >> 8];

/**
 * The codes of one picture, packed from the lowest bit on, in blocks of at most 255 bytes.
 * @param {Uint8Array} pixels values below 2 ** BITS
 * @returns {number[]}
 */
function compress(pixels) {
  const clear = 1 << BITS;
  /** @type {number[]} */
  const bytes = [];
  let [buffer, filled] = [0, 0];
  /** @type {Map<number, number>} */
  let codes = new Map();
  let [next, size] = [clear + 2, BITS + 1];
  const emit = (/** @type {number} */ code) => {
    buffer |= code << filled;
    for (filled += size; filled >= 8; filled -= 8, buffer >>>= 8) bytes.push(buffer & 0xff);
  };
  emit(clear);
  let prefix = pixels[0];
  for (let k = 1; k < pixels.length; k++) {
    const key = (prefix << BITS) | pixels[k]; // a known sequence and one more shade
    const known = codes.get(key);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    emit(prefix);
    if (next === 4096) {
      emit(clear);
      codes = new Map();
      [next, size] = [clear + 2, BITS + 1];
    } else {
      if (next === 1 << size) size++;
      codes.set(key, next++);
    }
    prefix = pixels[k];
  }
  emit(prefix);
  emit(clear + 1); // the end
  if (filled) bytes.push(buffer & 0xff);
  const blocks = [BITS];
  for (let k = 0; k < bytes.length; k += 255) {
    const block = bytes.slice(k, k + 255);
    blocks.push(block.length, ...block);
  }
  return [...blocks, 0];
}

const APART = 150; // squared distance of two colours of a palette, where not all have a place

/**
 * All colours of some pictures, or if there are too many, the most frequent that differ clearly.
 * @param {{data: ArrayLike<number>}[]} pictures
 * @returns {number[][]}
 */
function paletteOf(pictures) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { data } of pictures) {
    for (let k = 0; k < data.length; k += 4) {
      const key = (data[k] << 16) | (data[k + 1] << 8) | data[k + 2];
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const all = [...counts].sort((x, y) => y[1] - x[1]).map(([key]) => [key >> 16, (key >> 8) & 255, key & 255]);
  if (all.length <= 1 << BITS) return all;
  /** @type {number[][]} */
  const chosen = [];
  for (const one of all) {
    if (chosen.length === 1 << BITS) break;
    if (chosen.every((other) => apart(one, other) > APART)) chosen.push(one);
  }
  return chosen;
}

/** @param {number[]} x @param {number[]} y */
const apart = (x, y) => (x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2 + (x[2] - y[2]) ** 2;

/**
 * Which colour of a palette is nearest.
 * @param {number[][]} palette
 */
function nearestIn(palette) {
  /** @type {Map<number, number>} */
  const known = new Map();
  return (/** @type {number} */ red, /** @type {number} */ green, /** @type {number} */ blue) => {
    const key = (red << 16) | (green << 8) | blue;
    let best = known.get(key);
    if (best !== undefined) return best;
    best = 0;
    const colour = [red, green, blue];
    palette.forEach((one, k) => { if (apart(one, colour) < apart(palette[Number(best)], colour)) best = k; });
    known.set(key, best);
    return best;
  };
}

/**
 * @param {{width: number, height: number, data: ArrayLike<number>}[]} pictures all of one size; red,
 *   green, blue and opacity of each point, 0 to 255
 * @param {number} milliseconds of each
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function toGif(pictures, milliseconds) {
  const { width, height } = pictures[0];
  const palette = paletteOf(pictures);
  const indexOf = nearestIn(palette);
  const table = Array.from({ length: 1 << BITS }, (_, k) => palette[k] ?? [0, 0, 0]);
  const parts = [
    ...Array.from("GIF89a", (letter) => letter.charCodeAt(0)),
    ...word(width), ...word(height), 0x80 | (BITS - 1), 0, 0, ...table.flat(),
    0x21, 0xff, 11, ...Array.from("NETSCAPE2.0", (letter) => letter.charCodeAt(0)),
    3, 1, 0, 0, 0, // again and again
  ];
  for (const { data } of pictures) {
    const pixels = Uint8Array.from({ length: width * height }, (_, k) => indexOf(data[4 * k], data[4 * k + 1], data[4 * k + 2]));
    parts.push(0x21, 0xf9, 4, 0, ...word(Math.round(milliseconds / 10)), 0, 0);
    parts.push(0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0);
    for (const byte of compress(pixels)) parts.push(byte);
  }
  return Uint8Array.from([...parts, 0x3b]);
}

/**
 * Images in shades of grey, one beside the other.
 * @param {ArrayLike<number>[]} images (28 * 28), values 0 to 1
 * @param {number} scale each point becomes scale x scale
 */
export function inRow(images, scale) {
  const [width, height] = [28 * scale * images.length, 28 * scale];
  const data = new Uint8Array(4 * width * height);
  for (let k = 0; k < width * height; k++) {
    const [x, y] = [Math.floor((k % width) / scale), Math.floor(k / width / scale)];
    data.fill(Math.round(255 * images[Math.floor(x / 28)][28 * y + (x % 28)]), 4 * k, 4 * k + 3);
  }
  return { width, height, data };
}
