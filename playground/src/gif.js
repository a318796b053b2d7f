/**
 * A film as a GIF: "Graphics Interchange Format, Version 89a" (CompuServe, 1990), with the
 * variable-length codes of its appendix F (Lempel, Ziv and Welch).
 */

const BITS = 6; // 64 shades of grey

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

/**
 * @param {ArrayLike<number>[]} images (side * side), values 0 to 1
 * @param {number} side
 * @param {number} scale each point becomes scale x scale
 * @param {number} milliseconds of each image
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function toGif(images, side, scale, milliseconds) {
  const wide = side * scale;
  const shades = 1 << BITS;
  const grey = Array.from({ length: shades }, (_, k) => Math.round((255 * k) / (shades - 1)));
  const parts = [
    ...Array.from("GIF89a", (letter) => letter.charCodeAt(0)),
    ...word(wide), ...word(wide), 0x80 | (BITS - 1), 0, 0,
    ...grey.flatMap((value) => [value, value, value]),
    0x21, 0xff, 11, ...Array.from("NETSCAPE2.0", (letter) => letter.charCodeAt(0)),
    3, 1, 0, 0, 0, // again and again
  ];
  for (const image of images) {
    const pixels = new Uint8Array(wide * wide);
    for (let k = 0; k < pixels.length; k++) {
      const [x, y] = [Math.floor((k % wide) / scale), Math.floor(k / wide / scale)];
      pixels[k] = Math.round((shades - 1) * image[y * side + x]);
    }
    parts.push(0x21, 0xf9, 4, 0, ...word(Math.round(milliseconds / 10)), 0, 0);
    parts.push(0x2c, 0, 0, 0, 0, ...word(wide), ...word(wide), 0);
    for (const byte of compress(pixels)) parts.push(byte);
  }
  return Uint8Array.from([...parts, 0x3b]);
}
