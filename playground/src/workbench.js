/** The cells, drawn, for one step of what is read; what is cut in them, and what follows from it. */

import { interval } from "./costs.js";
import { button, el, labelled, number, percent, select, t } from "./dom.js";
import { lstmMachine, rnnMachine } from "./machine.js";
import { player } from "./player.js";
import { NUM_ASKED } from "./reading.js";
import { titles } from "./strips.js";
import { defined } from "./words.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./cuts.js").Wire} Wire */
/** @typedef {import("./recurrent.js").StateName} StateName */

const STEP = 320; // milliseconds of each step while it plays
const MEAN = "mean";
const TAPE = 40; // digits that are seen at once, at most

/** As it is written: f = 0, or h ↛ g where g does not read h. @param {Wire[]} wires */
export function cutTitle(wires) {
  const deaf = wires.filter((wire) => wire[0] === "h").map((wire) => wire[1]).join(" ");
  const stands = wires.filter((wire) => wire[0] !== "h").map((wire) => `${wire[0]} = ${wire[1]}`);
  return [...stands, ...deaf ? [`h ↛ ${deaf}`] : []].join(", ") || t("nothing cut");
}

/** The kinds of training that there are: the names of their networks end so. @param {Partial<Record<Name, unknown>>} networks */
const kindsOf = (networks) => ["_mine", "", "_plain"].filter((kind) =>
  networks[/** @type {Name} */ (`lstm${kind}`)] || networks[/** @type {Name} */ (`rnn${kind}`)]);

/** @param {Name} name */
export const kindOf = (name) => name.replace(/^(lstm|rnn)/, "");

/**
 * @param {import("./reading.js").Source} source
 * @param {{
 *   step: (step: number) => void, toggle: (wire: Wire) => void, mend: () => void, from: (step: number) => void,
 *   kind: (name: Name) => void, unit: (unit: number | null) => void, error: () => void, born: () => void,
 * }} acts what the reader does
 */
export function workbench({ networks }, acts) {
  const title = titles(networks);
  const words = /** @type {Record<string, string>} */ ({ "": t("curriculum"), _plain: t("plain"), _mine: networks.lstm_mine?.whose ?? networks.rnn_mine?.whose ?? "" });
  const kinds = kindsOf(networks).map((kind) => {
    const name = /** @type {Name} */ (networks[/** @type {Name} */ (`lstm${kind}`)] ? `lstm${kind}` : `rnn${kind}`);
    return { kind, choose: button(words[kind], () => acts.kind(name)) };
  });
  const tape = el("div", { class: "tape", "aria-hidden": "true" });
  const machines = { lstm: lstmMachine(acts.toggle), rnn: rnnMachine(acts.toggle) };
  const heads = { lstm: el("b", {}), rnn: el("b", {}) };
  const steps = player(t("Step"), 1, acts.step, STEP);
  const now = el("output", { class: "now-step" });
  const units = select([[MEAN, ""]], MEAN, (value) => acts.unit(value === MEAN ? null : Number(value)));
  const from = el("input", { type: "range", min: "1", oninput: () => acts.from(Number(from.value) - 1) });
  const label = el("span", {});
  const cut = el("label", { class: "from" }, label, from);
  const scene = el("b", { class: "scene" });
  const here = el("p", { class: "here", role: "status" });
  const counts = el("div", { class: "counts", "aria-live": "polite" });
  const why = el("p", { class: "why" });
  const mend = button(t("Mend all wires"), acts.mend);
  const back = button(t("← Send the error back"), acts.error);
  const born = button(t("Train an LSTM with f = 0 →"), acts.born, { title: t("In the next tab: an LSTM whose forget gate is 0 from the first step of its training") });
  const follows = el("section", { class: "follows", "aria-label": t("What follows") }, el("div", { class: "buttons" }, back, born, mend), scene, cut, here, counts, why);
  const legend = el("p", { class: "legend" },
    el("span", { class: "box" }, t("fill of a box: its value; orange: below 0")),
    el("span", { class: "pipe-key" }, ...defined(t("a valve is a {gate|gate}: at 1 it lets all through (f = 1 keeps c), at 0 nothing (f = 0 forgets it); a thick pipe carries much"))),
    el("span", { class: "quiet" }, ...defined(t("press a wire ✂ or a value such as f = 0 to cut, again to mend; h is the {hidden|hidden state}, c the {cell|cell state}"))));
  const bench = el("div", { class: "machines" },
    el("figure", { class: "of-lstm" }, el("figcaption", {}, heads.lstm), machines.lstm.view),
    el("figure", { class: "of-rnn" }, el("figcaption", {}, heads.rnn), machines.rnn.view), legend, follows);
  const view = el("div", { class: "bench" },
    el("div", { class: "controls knobs-of-bench" },
      el("span", {}, ...defined(t("Trained with a {curriculum|curriculum}, or {plain|plain}:"))),
      el("div", { class: "buttons", role: "group", "aria-label": t("How they were trained") }, ...kinds.map(({ choose }) => choose)),
      labelled(el("span", {}, ...defined(t("{unit|Unit}:"))), units), el("div", { class: "steps" }, steps.view, now)),
    tape, bench);

  /**
   * The digits around the one that is read, and at the end the one that is asked.
   * @param {number[]} digits
   * @param {number} step
   */
  function showTape(digits, step) {
    const letter = 1.4 * parseFloat(getComputedStyle(tape).fontSize);
    const most = Math.min(TAPE, Math.floor((tape.clientWidth || 800) / letter));
    const all = [...digits, "?"];
    const begin = all.length <= most ? 1 : Math.max(1, Math.min(step - Math.floor(most / 2), all.length + 2 - most)); // after the first digit
    const places = [0, ...begin > 1 ? [-1] : [], ...Array.from({ length: Math.min(most - 1, all.length - begin) }, (_, k) => begin + k)];
    tape.replaceChildren(...places.map((at) => {
      const name = [at === 0 || at === digits.length ? "asked" : "", at === step ? "now" : "", at > step ? "ahead" : ""].join(" ");
      return el("span", { class: name, onclick: () => acts.step(Math.max(0, Math.min(at, digits.length - 1))) }, String(all[at] ?? "…"));
    }));
  }

  return {
    view, player: steps,
    /**
     * One step of what was read.
     * @param {{
     *   digits: number[], step: number, found: Record<string, import("./reading.js").Reading>, inside: Name, unit: number | null,
     *   shown: import("./maps.js").Shown, cut: import("./cuts.js").Cut, sent: Record<string, number> | null,
     * }} moment `inside` is the network whose units are known
     */
    show({ digits, step, found, inside, unit, shown, cut: { wires, from }, sent }) {
      const isLast = step === digits.length - 1;
      showTape(digits, step);
      now.textContent = t("step %(step)s of %(count)s", { step: number(step + 1), count: number(digits.length) });
      for (const [kind, name] of /** @type {["lstm" | "rnn", Name][]} */ (["lstm", "rnn"].map((kind) => [kind, `${kind}${kindOf(inside)}`]))) {
        const figure = /** @type {HTMLElement} */ (heads[kind].closest("figure"));
        figure.hidden = !found[name];
        if (!found[name]) continue;
        const { answers, probabilities, sizes } = found[name];
        const row = name === inside && unit !== null ? shown.order.indexOf(unit) : -1;
        const at = (/** @type {number} */ when) => Object.fromEntries(Object.keys(sizes).map((state) => {
          const values = /** @type {ArrayLike<number>} */ (row < 0 ? sizes[/** @type {StateName} */ (state)] : shown.cells[/** @type {StateName} */ (state)]);
          return [state, when < 0 ? 0 : values[Math.max(row, 0) * (row < 0 ? 0 : shown.steps) + when]];
        }));
        heads[kind].textContent = row < 0 ? title[name] : t("%(network)s, unit %(unit)s", { network: title[name], unit: /** @type {number} */ (unit) });
        machines[kind].show({
          values: at(step), before: at(step - 1), isSize: row < 0, digit: digits[step], step, wires, isCut: step >= from,
          answer: answers[step], isRight: isLast && wires !== null ? answers[step] === digits[0] : null,
          sure: isLast ? percent(probabilities[answers[step]]) : "", sent: sent ? sent[name] : null,
        });
      }
    },
    /**
     * What is read, and how it may be looked at.
     * @param {{inside: Name, unit: number | null, order: number[], size: number, length: number, isError: boolean}} what `length` is T
     */
    choose({ inside, unit, order, size, length, isError }) {
      for (const { kind, choose } of kinds) choose.setAttribute("aria-pressed", String(kind === kindOf(inside)));
      units.replaceChildren(el("option", { value: MEAN }, t("mean size of all %(count)s", { count: size })),
        ...order.map((known) => el("option", { value: String(known) }, t("unit %(unit)s", { unit: known }))));
      units.value = unit === null ? MEAN : String(unit);
      steps.resize(length - 1);
      from.max = String(length - 1);
      back.setAttribute("aria-pressed", String(isError));
    },
    /**
     * What follows from the cut, on the digits that are shown.
     * @param {{name: string, cut: import("./cuts.js").Cut, text: string, because: string}} what
     */
    follow({ name, cut: { wires, from: first }, text, because }) {
      scene.textContent = name;
      label.textContent = t("cut from step %(step)s on", { step: number(first + 1) });
      from.value = String(first + 1);
      from.setAttribute("aria-label", label.textContent);
      cut.hidden = mend.hidden = !wires.length;
      here.textContent = text;
      why.textContent = because;
      counts.replaceChildren();
    },
    /** Why, once it is measured. @param {string} because */
    because: (because) => { why.textContent = because; },
    /**
     * How many of other palindromes are right.
     * @param {string} id of the line
     * @param {string} name of network, T and cut
     * @param {import("./costs.js").Count} count
     */
    count(id, name, count) {
      const { low, high } = interval(count);
      const share = count.right / count.asked;
      const isAll = count.asked === NUM_ASKED;
      let line = /** @type {HTMLElement | null} */ (counts.querySelector(`[data-id="${id}"]`));
      if (!line) counts.append(line = el("div", { class: "count", "data-id": id }));
      line.replaceChildren(el("span", {}, name),
        el("b", {}, isAll ? percent(share) : t("about %(share)s (%(low)s to %(high)s)", { share: percent(share), low: percent(low), high: percent(high) })),
        el("small", {}, isAll ? t("of %(count)s other palindromes are right", { count: NUM_ASKED }) : t("of other palindromes are right: %(asked)s of %(count)s asked", { asked: count.asked, count: NUM_ASKED })),
        el("progress", { max: NUM_ASKED, value: count.asked, "aria-label": t("palindromes asked"), hidden: isAll }));
    },
  };
}
