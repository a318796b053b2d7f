/** The networks of the page by the names of their exports, each unpacked when it is first used. */

import { Classifier, Discriminator, Generator } from "./images.js";
import { LSTM, RNN } from "./recurrent.js";

/**
 * @typedef {{
 *   sha256: string, date: string, headline: string, config: Record<string, any>,
 *   metrics: Record<string, any>, tensors: import("./tensors.js").PackedWeights,
 * }} Model
 * @typedef {{
 *   steps: number[], auc: number[], loss_d: number[], loss_g: number[], png: string,
 *   num_tiles: number, num_asked: number, real_logits: string, drawn_logits: string,
 *   real_png?: string | null, loss?: string, digits?: number[][],
 * }} Film `loss` is the name of both losses in toolkit/gan/config.py; `digits`: see `with_digits` in
 *   toolkit/export/film.py
 * @typedef {{
 *   made: string, models: Record<string, Model>, film: Film | null,
 *   clinic: Record<string, Film> | null,
 *   zh: Record<string, string>,
 * }} Exports
 */

const NETWORKS = {
  lstm: LSTM,
  lstm_plain: LSTM,
  rnn: RNN,
  rnn_plain: RNN,
  generator: Generator,
  discriminator: Discriminator,
  classifier: Classifier,
};

/**
 * @typedef {{[Name in keyof typeof NETWORKS]?: InstanceType<(typeof NETWORKS)[Name]>}} Networks
 * @typedef {import("./recurrent.js").Recurrent} Recurrent
 */

/**
 * @param {Exports} exports
 * @returns {Networks}
 */
export function openModels(exports) {
  /** @type {Record<string, any>} */
  const opened = {};
  const networks = {};
  for (const name of /** @type {(keyof typeof NETWORKS)[]} */ (Object.keys(NETWORKS))) {
    if (!exports.models[name]) continue;
    Object.defineProperty(networks, name, {
      enumerable: true,
      get: () => (opened[name] ??= new NETWORKS[name](exports.models[name].tensors)),
    });
  }
  return networks;
}
