/** One step in numbers: a table of the telling cells, and the equations of one that is followed. */

import { button, el, number, percent, t } from "./dom.js";

/** @typedef {import("./recurrent.js").StateName} StateName */

const NUM_LISTED = 12;
const ORDER = /** @type {StateName[]} */ (["g", "i", "f", "o", "c", "h"]);

/** @param {(cell: number) => void} follow */
export function cellPanel(follow) {
  const sentence = el("p", { class: "sentence", role: "status" });
  const table = el("table", { class: "cells" });
  const equations = el("div", { class: "equations" });
  const view = el("div", { class: "panel" }, sentence,
    el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("The units at this step") }, table),
    equations);

  /**
   * @param {import("./maps.js").Shown} shown
   * @param {number} step
   * @param {number} followed
   */
  function showTable({ cells, order, steps }, step, followed) {
    const names = ORDER.filter((name) => cells[name]);
    const rows = order.map((cell, row) => ({ cell, row }))
      .filter(({ cell, row }) => row < NUM_LISTED || cell === followed);
    table.replaceChildren(
      el("thead", {}, el("tr", {}, ...[t("unit"), ...names].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, ...rows.map(({ cell, row }) => el("tr", { class: cell === followed ? "chosen" : "" },
        el("th", { scope: "row" }, button(String(cell), () => {
          follow(cell);
          table.querySelector(".chosen")?.querySelector("button")?.focus();
        }, { "aria-pressed": String(cell === followed), "aria-label": t("Follow unit %(cell)s", { cell }) })),
        ...names.map((name) => el("td", {},
          number(/** @type {Float32Array} */ (cells[name])[row * steps + step], 2)))))));
  }

  /**
   * @param {import("./maps.js").Shown} shown
   * @param {number} step
   * @param {number} cell
   */
  function showEquations({ cells, order, steps }, step, cell) {
    const row = order.indexOf(cell);
    const at = (/** @type {StateName} */ name, /** @type {number} */ when = step) =>
      when < 0 ? 0 : /** @type {Float32Array} */ (cells[name])[row * steps + when];
    const n = (/** @type {number} */ value) => number(value, 3);
    const now = step + 1;
    const lines = cells.c
      ? [
          ["(1) (2)", `g = ${n(at("g"))}   i = ${n(at("i"))}`],
          ["(3) (4)", `f = ${n(at("f"))}   o = ${n(at("o"))}`],
          ["(5)", `c(${now}) = g i + c(${step}) f`],
          ["", `= ${n(at("g"))} × ${n(at("i"))} + ${n(at("c", step - 1))} × ${n(at("f"))}`],
          ["", `= ${n(at("g") * at("i"))} + ${n(at("c", step - 1) * at("f"))} = ${n(at("c"))}`],
          ["(6)", `h(${now}) = tanh(c) o = ${n(Math.tanh(at("c")))} × ${n(at("o"))} = ${n(at("h"))}`],
        ]
      : [["", `h(${now}) = tanh(W x + W h(${step}) + b) = ${n(at("h"))}`]];
    const kept = () => step === 0 ? t("At the first step there is nothing to keep.") : t(
      "The unit keeps %(kept)s of its c and adds %(added)s.",
      { kept: percent(at("f")), added: n(at("g") * at("i")) },
    );
    equations.replaceChildren(
      el("p", {}, el("b", {}, t("Unit %(cell)s at step %(step)s", { cell, step: number(now) }))),
      el("dl", {}, ...lines.flatMap(([name, line]) => [el("dt", {}, name), el("dd", {}, line)])),
      cells.c ? el("p", {}, kept()) : "");
  }

  return {
    view,
    /**
     * @param {string} said about the step
     * @param {import("./maps.js").Shown} shown
     * @param {number} step
     * @param {number} followed
     */
    show: (said, shown, step, followed) => {
      sentence.textContent = said;
      showTable(shown, step, followed);
      showEquations(shown, step, followed);
    },
  };
}
