/** The demo "Gate microscope": its numbers come from the server. */

import { t } from "../dom.js";
import { drawing } from "../drawing.js";
import { frame } from "../frame.js";
import { microscope } from "../microscope.js";
import { bytesOf, fromShorts } from "../tensors.js";
import { trainer } from "../trainer.js";
import { asking } from "./asking.js";

/**
 * @typedef {{
 *   zh: Record<string, string>, networks: import("../reading.js").Source["networks"], most: number,
 *   first: number[], generates: boolean,
 * }} Settings
 */

/**
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 * @returns {import("../reading.js").Source}
 */
function readingSource(server, { networks, most, first }) {
  const [read, inside, remembers, right, gradient] =
    ["cut", "inside", "remembers", "right", "gradient"].map((name) => asking(server, name));
  const given = (/** @type {number[]} */ digits, /** @type {import("../cuts.js").Cut} */ cut) => ({ digits: digits.join(""), ...sent(cut) });
  const sent = (/** @type {import("../cuts.js").Cut} */ { wires, from }) => ({ wires: wires.join(), step: from + 1 });
  return {
    networks,
    most,
    first,
    read: async (digits, cut) => (await read(given(digits, cut))).networks,
    inside: async (network, digits, cells, cut) => {
      const found = await inside({ ...given(digits, cut), network, cells });
      return Object.fromEntries(Object.entries(found).map(([name, { data, scale }]) => [name, fromShorts(data, scale)]));
    },
    remembers: (digits) => remembers({ digits: digits.join("") }),
    right: (network, length, cut, first, count) => right({ network, length, ...sent(cut), first, count }),
    gradient: (digits, cut) => gradient(given(digits, cut)),
  };
}

/** @param {string} base64 a byte for each value, 0 to 255 for 0 to 1 */
const fromBytes = (base64) => Float32Array.from(bytesOf(base64), (byte) => byte / 255);

/**
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 * @returns {import("../drawing.js").Eyes}
 */
function askedEyes(server, { generates }) {
  const [classify, generate, picture] = ["classify", "generate", "picture"].map((name) => asking(server, name));
  return {
    classify: async (image) => {
      const bytes = Array.from(image, (value) => String.fromCharCode(Math.round(255 * value)));
      const { maps, ...opinion } = await classify({ image: btoa(bytes.join("")) });
      return {
        ...opinion,
        maps: maps.map((/** @type {any} */ { data, scale, ...sizes }) =>
          ({ ...sizes, values: fromBytes(data).map((value) => value * scale) })),
      };
    },
    generate: generates ? async (seed) => fromBytes(await generate({ seed })) : null,
    picture: async (data) => fromBytes(await picture({ data })),
  };
}

/**
 * @param {HTMLElement} element
 * @param {import("./asking.js").Server} server
 * @param {Settings} settings
 */
export function mount(element, server, settings) {
  const source = readingSource(server, settings);
  const eyes = askedEyes(server, settings);
  frame(element, {
    title: () => t("Gate microscope"),
    parts: () => [
      ["gates", t("Palindromes"), () => microscope(source)],
      ["learn", t("Train a tiny LSTM"), trainer],
      ["draw", t("Draw a digit"), () => drawing(eyes)],
    ],
    own: "toolkit demo digit --exports mine",
    zh: settings.zh,
    isDark: () => document.body.classList.contains("dark"),
  });
}
