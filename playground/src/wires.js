/** Wires to cut, each with what it costs once it was tried. */

import { OF_H, touches } from "./cuts.js";
import { button, el, percent, t } from "./dom.js";
import { MOST_ASKED, NUM_ASKED } from "./reading.js";
import { titles } from "./strips.js";

/** @typedef {import("./cuts.js").Wire} Wire */
/** @typedef {import("./reading.js").Name} Name */

const FINE = 0.95;
const LOST = 0.2; // a guess is right in a tenth

/** What can be cut in one go. */
export const CUTS = /** @type {Wire[][]} */ ([[], ["i0"], ["f1"], ["i0", "f1"], ["f0"], ["o1"], ["hg"], ["hi"], ["hf"], ["ho"], OF_H]);

/**
 * As it is written: f = 0, or h ↛ g where g does not read h.
 * @param {Wire[]} wires
 */
export function cutTitle(wires) {
  const deaf = wires.filter((wire) => wire[0] === "h").map((wire) => wire[1]).join(" ");
  const stands = wires.filter((wire) => wire[0] !== "h").map((wire) => `${wire[0]} = ${wire[1]}`);
  return [...stands, ...deaf ? [`h ↛ ${deaf}`] : []].join(", ") || t("nothing cut");
}

/**
 * @param {import("./reading.js").Source} source
 * @param {(wires: Wire[]) => void} choose
 * @param {(from: number) => void} move
 */
export function wirePanel(source, choose, move) {
  const names = /** @type {Name[]} */ (Object.keys(source.networks));
  const lstms = names.filter((name) => !name.startsWith("rnn"));
  const title = titles(source.networks);
  const now = { wires: /** @type {Wire[]} */ ([]), from: 0, length: 2 };
  /** @type {Map<string, Promise<number>>} what was asked, so that nothing is asked twice */
  const known = new Map();
  let trying = 0;

  const from = el("input", { type: "range", min: "1", oninput: () => move(Number(from.value) - 1) });
  const label = el("b", {});
  const cards = CUTS.map((wires) => {
    const shares = lstms.map(() => el("span", { class: "share" }, "·"));
    const card = button("", () => choose(wires), { class: "wire" });
    card.append(el("b", {}, cutTitle(wires)), ...shares);
    return { wires, shares, card };
  });
  const all = button(t("Try them all"), tryAll);
  const said = el("p", { class: "note", role: "status" });
  const row = el("div", { class: "scrub cutting" }, el("label", {}, label, from));
  const view = el("div", { class: "wires", role: "group", "aria-label": t("What is cut") },
    el("div", { class: "names" }, all, ...lstms.map((name) => el("span", {}, title[name]))),
    ...cards.map(({ card }) => card));

  /**
   * The share of palindromes of this length that a network completes.
   * @param {Name} name
   * @param {Wire[]} wires
   * @returns {Promise<number>}
   */
  function share(name, wires) {
    const asked = touches(name, wires) ? wires : [];
    const start = asked.length ? now.from : 0;
    const key = `${name} ${now.length} ${asked} ${start}`;
    const found = known.get(key) ?? source.accuracy(name, now.length, { wires: asked, from: start });
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  }

  /** Fill in what is known of a card, if it is still of this step and length. */
  async function fill(/** @type {Wire[]} */ wires) {
    const card = cards.find((one) => one.wires === wires);
    const key = `${now.length} ${now.from}`;
    for (const [k, name] of lstms.entries()) {
      const found = await share(name, wires);
      if (key !== `${now.length} ${now.from}` || !card) return;
      card.shares[k].textContent = percent(found);
      card.shares[k].className = `share ${found >= FINE ? "good" : found <= LOST ? "bad" : ""}`;
    }
  }

  async function tryAll() {
    const turn = ++trying;
    all.disabled = true;
    for (const { wires } of cards) {
      if (turn !== trying || !view.isConnected) break;
      await fill(wires).catch((error) => { said.textContent = error.message; trying++; });
    }
    all.disabled = false;
  }

  return {
    row, view, said, share,
    /**
     * @param {import("./cuts.js").Cut} cut
     * @param {number} length T
     */
    show: (cut, length) => {
      const other = cut.from !== now.from || length !== now.length;
      Object.assign(now, cut, { length });
      from.max = String(length - 1);
      from.value = String(cut.from + 1);
      label.textContent = t("✂ cut from step %(step)s on", { step: cut.from + 1 });
      const tooLong = length > MOST_ASKED;
      all.disabled = tooLong;
      said.textContent = tooLong ? t("Up to T = %(most)s, %(count)s other palindromes are asked as well.", { most: MOST_ASKED, count: NUM_ASKED }) : "";
      for (const { wires, card, shares } of cards) {
        card.setAttribute("aria-pressed", String(wires.join() === cut.wires.join()));
        if (other) shares.forEach((share) => { share.textContent = "·"; share.className = "share"; });
      }
      if (other) trying++;
      const chosen = cards.find(({ wires }) => wires.join() === cut.wires.join());
      if (chosen && cut.wires.length && !tooLong) {
        const asked = [cards[0], chosen];
        void (async () => { for (const { wires } of asked) await fill(wires); })().catch((error) => { said.textContent = error.message; });
      }
    },
  };
}
