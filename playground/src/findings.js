/** What the page has found, each with a button that shows it in the drawing. */

import measured from "../data/cuts.json";
import { visit } from "./address.js";
import { button, el, number, percent, t } from "./dom.js";
import { compared } from "./insight.js";
import { defined } from "./words.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./cuts.js").Wire} Wire */

/** Of `count` palindromes of T = `length` so many are right, by SHA-256 and "wires from-step". */
const { length, count } = measured;
const right = /** @type {Record<string, Record<string, number>>} */ (measured.right);
const FAR = 1000;

/**
 * @param {import("./reading.js").Source} source
 * @param {{
 *   present: (name: Name, cut: import("./cuts.js").Cut, isError: boolean, length: number) => void, curves: () => void,
 * }} acts
 */
export function findings({ networks }, { present, curves }) {
  /** The share of right answers of a network with a cut, "" if it was not measured. @param {Name} name @param {string} cut */
  const share = (name, cut) => {
    const times = right[networks[name]?.sha256 ?? ""]?.[cut];
    return times === undefined ? "" : percent(times / count);
  };
  /** @param {Name} name @param {number} T */
  const reaches = (name, T) => networks[name]?.metrics.accuracy_by_length?.[T];
  const { rnn, rnn_plain, lstm, lstm_plain } = networks;
  /** @type {{title: string, texts: string[], acts: [string, () => void][]}[]} */
  const all = [];
  const cutOf = (/** @type {Wire} */ wire, /** @type {number} */ step) => ({ wires: [wire], from: step - 1 });
  if (rnn && rnn_plain && reaches("rnn", FAR) > rnn_plain.metrics.test_accuracy) {
    const values = { far: number(FAR), held: percent(reaches("rnn", FAR)), own: rnn_plain.config.length, got: percent(rnn_plain.metrics.test_accuracy) };
    all.push({
      title: t("The RNN does not forget: it fails to learn"),
      texts: [t("One and the same cell: trained with the {curriculum|curriculum} the RNN completes %(held)s at T = %(far)s. So it can hold a digit that long. {plain|Trained at T = %(own)s only} and tested at that T, it completes %(got)s.", values),
        t("Why? On the way back from the last step the {gradient|gradient} vanishes before it reaches step 1: from so far away an error teaches the network nothing about the first digit. With the curriculum the RNN learnt on short palindromes, where the gradient arrives."),
        t("See how the plain RNN fails. Send the error back: the drawing shows how much of the gradient is left at step 1. Open the curves: it completes %(lost)s at T = %(far)s.", { ...values, lost: percent(reaches("rnn_plain", FAR)) })],
      acts: [[t("Send the error back through it"), () => present("rnn_plain", { wires: [], from: 8 }, true, rnn_plain.config.length)], [t("Open the curves"), curves]],
    });
  }
  if (lstm && share("lstm", "f0 1")) {
    all.push({
      title: t("f = 0: the cell state keeps nothing"),
      texts: [t("What is left came round through the {hidden|hidden state} h. At T = %(length)s the LSTM with the curriculum still completes %(first)s if f = 0 from step 1 on, and %(ninth)s from step 9 on: by then h holds the digit, and g writes it anew at every step.", { length, first: share("lstm", "f0 1"), ninth: share("lstm", "f0 9") })],
      acts: [[t("Cut f from step 9 on"), () => present("lstm", cutOf("f0", 9), false, length)]],
    });
  }
  if (lstm && lstm_plain && share("lstm_plain", "f1 1")) {
    all.push({
      title: t("f = 1: nothing is forgotten, and the plain LSTM is lost"),
      texts: [t("With f = 1 from step 1 on the plain LSTM completes %(plain)s at T = %(length)s, and the one with the curriculum %(curriculum)s. The plain one counts: it has learnt when it will be asked, and counts the steps until then. For that its forget gate has to move: held at 1, it miscounts. The other one only has to hold a digit, and needs no forgetting.", { length, plain: share("lstm_plain", "f1 1"), curriculum: share("lstm", "f1 1") })],
      acts: [[t("Hold f at 1"), () => present("lstm_plain", cutOf("f1", 1), false, length)]],
    });
  }
  all.push({
    title: t("Trained with f = 0: an LSTM that cannot learn"),
    texts: [t("Train a tiny LSTM here whose forget gate is 0 from the first step of its training, at T = 8. It stays near a guess. The RNN beside it learns: at each of the first three starts it completed all unseen palindromes after 600 steps. Without f an LSTM learns worse than an RNN.")],
    acts: [[t("Train it now"), () => visit({ tab: "learn", T: 8, forget: "zero", hidden: 32, rate: 0.03, run: 1 })]],
  });
  const both = compared(networks);
  if (both) {
    all.push({
      title: t("The curriculum makes both networks general"),
      texts: [t("A {curriculum|curriculum} begins with short palindromes and makes them longer."), both, share("lstm_plain", "f1 1") ? t("The curves show it: with the curriculum both stay near 100% at every T.\nThe plain RNN repeats its answers every five steps: at other T than %(length)s it completes about 60% at every fifth T, and none in between.\nThe plain LSTM counts the steps: at other T than %(length)s it is right only by chance.", { length }) : ""],
      acts: [[t("Open the curves"), curves]],
    });
  }
  return el("section", { class: "findings", "aria-label": t("What this page has found") },
    el("h2", {}, t("What this page has found")),
    el("div", { class: "found" }, ...all.map(({ title, texts, acts: ways }) =>
      el("article", {}, el("h3", {}, title), ...texts.filter(Boolean).map((text) => el("p", {}, ...defined(text))), el("div", { class: "buttons" }, ...ways.map(([word, act]) => button(word, act)))))));
}
