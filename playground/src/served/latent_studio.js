/** The demo "Latent studio": its numbers come from the server. */

import { t } from "../dom.js";
import { renderSVG } from "uqr"; // MIT; its notice is at the end of the script
import { spotTheFake } from "../fake.js";
import { training } from "../film.js";
import { frame } from "../frame.js";
import { chosen } from "../whose.js";
import { standing } from "../standing.js";
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

/** A function of the server, for the networks at a place. */
const of = (/** @type {string} */ asked, /** @type {number} */ k) => (k ? `${asked}_${k}` : asked);

/** @param {Float32Array[]} corners */
const lists = (corners) => corners.map((corner) => [...corner]);

/**
 * @typedef {{whose: import("../whose.js").Whose, latent_dim: number, has_film: boolean}} Networks
 * @typedef {{zh: Record<string, string>, all: Networks[], has_images: boolean}} Settings the last of all
 *   are those of which a film is shown
 *
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 * @param {number} k of which networks
 * @returns {import("../source.js").Source}
 */
function served(server, { all, has_images }, k) {
  const { latent_dim, has_film } = all[k];
  const [samples, pair, draw, name, judge, slopes, nearest, early] =
    ["samples", "pair", "draw", "name", "judge", "slopes", "nearest", "early"].map((asked) => asking(server, of(asked, k)));
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
  const sources = settings.all.map(({ whose }, k) => ({ whose, source: served(server, settings, k) }));
  const filmed = Math.max(0, settings.all.findIndex(({ has_film }) => has_film));
  const last = sources.length - 1;
  const [recorded, read, vote, tally, measure] =
    [of("recorded", filmed), of("read", last), "vote", "tally", "measure"].map((asked) => asking(server, asked));
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
        ["latent", t("Samples and walks"), () => chosen(sources, studio)],
        ["ring", t("Train a GAN"), ring],
        ["film", t("A GAN's training"), () => training(load, last > 0)],
        ["upload", t("Your own digit"), () => upload(async (file) => {
          const judged = await read({ picture: file });
          return { ...judged, image: fromBytes(judged.image) };
        })],
      ];
      if (settings.all[filmed].has_film) parts.splice(3, 0, ["fake", t("Spot the fake"), () => spotTheFake(async () => (await load()).film, room)]);
      const drawers = sources.map(({ whose, source }) => ({
        name: whose.generator ?? t("the toolkit"),
        samples: async () => (await source.samples(42, "any", () => {})).map(({ image }) => image),
      }));
      if (settings.all[0].whose.generator && settings.has_images) parts.splice(1, 0, ["standing", t("Where it stands"), () => standing(drawers, (draws) => measure({ draws }))]);
      return parts;
    },
    own: "toolkit demo gan --exports mine",
    zh: settings.zh,
    isDark: () => document.body.classList.contains("dark"),
  });
}
