/** The demo "Latent studio": its numbers come from the server. */

import { t } from "../dom.js";
import { renderSVG } from "uqr"; // MIT; its notice is at the end of the script
import { spotTheFake } from "../fake.js";
import { training } from "../film.js";
import { frame } from "../frame.js";
import { ring } from "../ring.js";
import { studio } from "../studio.js";
import { upload } from "../upload.js";
import { asking } from "./asking.js";

/**
 * What the server sends of a picture: its 784 bytes, in base64.
 * @typedef {{image: string, digit: number, share: number, logit: number, z?: number[]}} Sent
 */

/** @param {string} image */
const fromBytes = (image) => Float32Array.from(atob(image), (byte) => byte.charCodeAt(0) / 255);

/** @param {Float32Array} image */
const toBytes = (image) => btoa(String.fromCharCode(...image.map((value) => Math.round(255 * value))));

/** @param {Sent} sent */
const picture = (sent) => ({ ...sent, image: fromBytes(sent.image) });

/** @param {Sent} sent */
const sample = (sent) => ({ ...picture(sent), z: Float32Array.from(sent.z ?? []) });

/** @param {Float32Array[]} corners */
const lists = (corners) => corners.map((corner) => [...corner]);

/**
 * @typedef {{zh: Record<string, string>, latent_dim: number, has_film: boolean, has_images: boolean}} Settings
 *
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 * @returns {import("../source.js").Source}
 */
function served(server, { latent_dim, has_film, has_images }) {
  const [samples, pair, draw, name, judge, slopes, nearest, early] =
    ["samples", "pair", "draw", "name", "judge", "slopes", "nearest", "early"].map((asked) => asking(server, asked));
  return {
    latent_dim,
    canName: true,
    canJudge: true,
    samples: async (seed, digit) => (await samples({ seed, digit })).map(sample),
    pair: async (seed, digit_from, digit_to) => (await pair({ seed, digit_from, digit_to })).map(sample),
    draw: async (corners, weights) => (await draw({ corners: lists(corners), weights })).map(picture),
    name: (corners, weights) => name({ corners: lists(corners), weights }),
    judge: (images) => judge({ images: images.map(toBytes) }),
    slopes: async (image) => Float32Array.from(await slopes({ image: toBytes(image) })),
    nearest: has_images
      ? async (image, digit) => {
        const found = await nearest({ image: toBytes(image), digit });
        return { ...found, image: fromBytes(found.image) };
      } : undefined,
    early: has_film
      ? async (corners, weights) => {
        const { step, pictures } = await early({ corners: lists(corners), weights });
        return { step, pictures: pictures.map(picture) };
      } : undefined,
  };
}

/**
 * @param {HTMLElement} element
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 */
export function mount(element, server, settings) {
  const source = served(server, settings);
  const [recorded, read, vote, tally] = ["recorded", "read", "vote", "tally"].map((asked) => asking(server, asked));
  const visitor = crypto.getRandomValues(new Uint32Array(2)).join("_"); // so that an answer given again counts once
  /** @type {import("../fake.js").Room} */
  const room = {
    vote: (game, round, picked) => vote({ visitor, game, round, picked }),
    tally: (game, round) => tally({ game, round }),
    code: (address) => renderSVG(address, { border: 2 }),
  };
  /** @type {Promise<any> | undefined} */
  let reels; // asked for once, when the first tab that shows them is opened
  const load = () => (reels ??= recorded().catch((error) => {
    reels = undefined;
    throw error;
  }));
  frame(element, {
    title: () => t("Latent studio"),
    parts() {
      /** @type {[string, string, () => import("../frame.js").Part][]} */
      const parts = [
        ["latent", t("Samples and walks"), () => studio(source)],
        ["ring", t("Train a GAN"), ring],
        ["film", t("A GAN's training"), () => training(load)],
        ["upload", t("Your own digit"), () => upload(async (file) => {
          const judged = await read({ picture: file });
          return { ...judged, image: fromBytes(judged.image) };
        })],
      ];
      if (settings.has_film) parts.splice(3, 0, ["fake", t("Spot the fake"), () => spotTheFake(async () => (await load()).film, room)]);
      return parts;
    },
    zh: settings.zh,
    isDark: () => document.body.classList.contains("dark"),
  });
}
