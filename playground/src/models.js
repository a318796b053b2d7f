/**
 * The networks of the page by their names: those of the exports, and in front of them somebody's own,
 * such as "lstm_mine". Each is unpacked when it is first used.
 */

import { Layers } from "./images.js";
import { LSTM, RNN } from "./recurrent.js";

/**
 * @typedef {{
 *   sha256: string, date: string, config: Record<string, any>, metrics: Record<string, any>,
 *   whose?: string, tensors: import("./tensors.js").PackedWeights,
 *   layers: import("./images.js").Described[] | null,
 * }} Model `whose` is said of somebody's own; a network that reads digits has no layers
 * @typedef {{
 *   steps: number[], auc: number[], loss_d: number[], loss_g: number[], png: string,
 *   num_tiles: number, num_asked: number, real_logits: string, drawn_logits: string,
 *   real_png?: string | null, loss?: string, whose?: string, digits?: number[][],
 * }} Film `loss` is the name of both losses in toolkit/gan/config.py; `whose` it is, "" for the toolkit; `digits`: see `with_digits` in
 *   toolkit/gan/film_page.py
 * @typedef {{
 *   made: string, models: Record<string, Model>, film: Film | null,
 *   clinic: Record<string, Film> | null,
 *   copies: Record<string, Copies>,
 *   zh: Record<string, string>,
 * }} Exports
 * @typedef {{seed: number, distance: number[], images: string, of_real: number[][]}} Copies see
 *   toolkit/gan/measure/copies.py
 */

/**
 * @typedef {import("./recurrent.js").Recurrent} Recurrent
 * @typedef {"lstm" | "rnn" | "lstm_plain" | "rnn_plain" | "lstm_mine" | "rnn_mine"} Reader reads digits
 * @typedef {"generator" | "discriminator" | "classifier" | "generator_mine" | "discriminator_mine"} Seer
 * @typedef {{[Name in Reader]?: Recurrent} & {[Name in Seer]?: Layers}} Networks
 */

/**
 * @param {Exports} exports
 * @returns {Networks}
 */
export function openModels(exports) {
  /** @type {Record<string, any>} */
  const opened = {};
  const networks = {};
  for (const [name, { layers, tensors }] of Object.entries(exports.models)) {
    const open = () => (layers ? new Layers(layers, tensors) : new (name.startsWith("rnn") ? RNN : LSTM)(tensors));
    Object.defineProperty(networks, name, { enumerable: true, get: () => (opened[name] ??= open()) });
  }
  return networks;
}
