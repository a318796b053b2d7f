/** A picture file that somebody chooses. */

import { el, number, t } from "./dom.js";

export const MAX_BYTES = 5_000_000; // of a picture; demos/serving/pictures.py
const SIDE = 1500; // points of a picture's longer side, to which larger ones are reduced here

/**
 * A picture in base64. One from a phone's camera is reduced first.
 * @param {File} file
 * @returns {Promise<string>}
 */
export async function pictureOf(file) {
  const small = await reduced(file);
  if (small.size > MAX_BYTES) {
    throw new Error(t("The file has %(size)s MB; at most %(most)s MB are accepted.", { size: number(small.size / 1e6, 1), most: number(MAX_BYTES / 1e6) }));
  }
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => fail(new Error(t("The file cannot be read.")));
    reader.readAsDataURL(small);
  });
}

/**
 * The file as it is where it is small, or where the browser cannot open it: then the server says why.
 * @param {File} file
 * @returns {Promise<Blob>}
 */
async function reduced(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  const scale = picture ? SIDE / Math.max(picture.width, picture.height) : 1;
  if (!picture || scale >= 1) return file;
  const canvas = el("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob ?? file)));
}
