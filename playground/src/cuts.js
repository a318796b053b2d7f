/** Wires of a cell that are cut: a gate stands still, or does not read h(t-1). */

/**
 * @typedef {"i0" | "f1" | "f0" | "o1" | "hg" | "hi" | "hf" | "ho" | "hh"} Wire
 *   i0: the input gate is 0, ...; hg: g does not read h, ...; hh: an RNN does not read its own h
 * @typedef {{wires: Wire[], from: number}} Cut `from` is the first step without them, from 0
 */

/** In the order in which the weights are stacked, PyTorch's. */
export const GATES = /** @type {const} */ (["i", "f", "g", "o"]);
export const WIRES = /** @type {Wire[]} */ (["i0", "f1", "f0", "o1", "hg", "hi", "hf", "ho", "hh"]);

/** @type {Cut} */
export const WHOLE = { wires: [], from: 0 };

/**
 * What is cut at a step, for i, f, g, o: the value at which a gate stands, NaN where it moves; and
 * whether it does not read h; and whether an RNN, which has no gates, does not read its own h.
 * @param {Cut} cut
 * @param {number} step
 */
export function severed({ wires, from }, step) {
  const cut = step < from ? [] : wires;
  return {
    stands: GATES.map((gate) => Number(cut.find((wire) => wire[0] === gate)?.[1])),
    deaf: GATES.map((gate) => cut.some((wire) => wire === `h${gate}`)),
    alone: cut.includes("hh"),
  };
}

/**
 * Whether a network has one of the wires.
 * @param {string} name as of its export
 * @param {Wire[]} wires
 */
export const touches = (name, wires) =>
  wires.some((wire) => (wire === "hh") === name.startsWith("rnn"));

/**
 * Wires with one more, or without it if it was among them. A gate stands at one value only.
 * @param {Wire[]} wires
 * @param {Wire} wire
 */
export function toggled(wires, wire) {
  const others = wires.filter((other) => other !== wire && (wire[0] === "h" || other[0] !== wire[0]));
  return WIRES.filter((known) => others.includes(known) || (known === wire && !wires.includes(wire)));
}

/**
 * The wires in a text such as "f0,hg"; of two that fix one gate the last.
 * @param {string} text
 * @returns {Wire[]}
 */
export const parseWires = (text) => WIRES.filter((wire) => text.split(",").includes(wire));
