/** Wires of a cell that are cut: a gate stands still, or does not read h(t-1). */

/**
 * @typedef {"i0" | "f1" | "f0" | "o1" | "hg" | "hi" | "hf" | "ho"} Wire
 *   i0: the input gate is 0, ...; hg: g does not read h, ...
 * @typedef {{wires: Wire[], from: number}} Cut `from` is the first step without them, from 0
 */

/** In the order in which the weights are stacked, PyTorch's. */
export const GATES = /** @type {const} */ (["i", "f", "g", "o"]);
export const WIRES = /** @type {Wire[]} */ (["i0", "f1", "f0", "o1", "hg", "hi", "hf", "ho"]);
export const OF_H = WIRES.slice(4);

/** @type {Cut} */
export const WHOLE = { wires: [], from: 0 };

/**
 * What is cut at a step, for i, f, g, o: the value at which a gate stands, NaN where it moves; and
 * whether it does not read h. An RNN has no gates: of it only h as a whole can be cut.
 * @param {Cut} cut
 * @param {number} step
 */
export function severed({ wires, from }, step) {
  const cut = step < from ? [] : wires;
  return {
    stands: GATES.map((gate) => Number(cut.find((wire) => wire[0] === gate)?.[1])),
    deaf: GATES.map((gate) => cut.some((wire) => wire === `h${gate}`)),
  };
}

/**
 * Whether a network has one of the wires.
 * @param {string} name as of its export
 * @param {Wire[]} wires
 */
export const touches = (name, wires) =>
  name.startsWith("rnn") ? OF_H.every((wire) => wires.includes(wire)) : wires.length > 0;

/**
 * The wires in a text such as "f0,hg"; of two that fix one gate the last.
 * @param {string} text
 * @returns {Wire[]}
 */
export const parseWires = (text) => WIRES.filter((wire) => text.split(",").includes(wire));
