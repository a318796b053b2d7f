/** A GAN as a picture: z goes into G, its image and the data into D, and the losses come back. */

import { el, t } from "./dom.js";
import { svg, through } from "./svg.js";

/**
 * What comes out of G or stands in the data: an image's address, points in the plane, or a word for it.
 * @typedef {{href: string} | {points: ArrayLike<number>} | {word: string}} Seen
 */

const BARS = 12; // numbers of z that are drawn
const REACH = 1.6; // of the points, from the middle of their box
const DOTS = 60;
let count = 0; // of pictures: each has arrowheads of its own

/**
 * @param {string} data what the real examples are, in words
 */
export function ganPicture(data) {
  const view = svg("svg", { viewBox: "0 0 760 138", class: "machine gan", role: "img", "aria-label": t("Random numbers z go into the generator G. Its result and the data go into the discriminator D, which tells the two apart. D's loss changes D, G's loss comes back through D and changes G.") });
  const mine = `head${count++}`;
  const heads = ["", "of-d", "of-g"].map((name) => svg("marker", { id: `${mine}-${name}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto", class: `head ${name}` }, svg("path", { d: "M0 0L8 4L0 8z" })));
  view.append(svg("defs", {}, ...heads));

  /** @param {string} path @param {string} name "", "of-d" or "of-g" */
  const arrow = (path, name = "") => view.append(svg("path", { d: path, class: `wire ${name}`, "marker-end": `url(#${mine}-${name})` }));
  /** @param {number} x @param {number} width @param {string} letter @param {string} name */
  const box = (x, width, letter, name) => view.append(svg("rect", { x, y: 34, width, height: 56, rx: 8, class: "node" }),
    svg("text", { x: x + width / 2, y: 58, class: "letter middle" }, letter), svg("text", { x: x + width / 2, y: 78, class: "title" }, name));
  /** @param {number} x @param {string} name @param {string} title */
  function slot(x, name, title) {
    const inside = svg("g", { class: name });
    view.append(svg("rect", { x, y: 32, width: 60, height: 60, rx: 4, class: "outline" }), inside, svg("text", { x: x + 30, y: 22, class: `title ${name}` }, title));
    return { inside, x };
  }
  const z = svg("g", { class: "z" });
  view.append(svg("text", { x: 38, y: 22, class: "title" }, t("z: random numbers")), z);
  box(110, 116, "G", t("generator"));
  const generated = slot(272, "generated", t("generated"));
  box(376, 132, "D", t("discriminator"));
  const real = slot(560, "real", data);
  const [said_generated, said_real] = [12, 28].map((y, k) => view.appendChild(svg("text", { x: 442, y, class: `value ${k ? "real" : "generated"}` })));
  arrow(through(66, 62, 106, 62));
  arrow(through(228, 62, 268, 62));
  arrow(through(334, 62, 372, 62));
  arrow(through(558, 62, 512, 62));
  arrow(through(420, 92, 420, 124, 168, 124, 168, 94), "of-g");
  arrow(through(640, 124, 466, 124, 466, 94), "of-d");
  view.append(svg("text", { x: 296, y: 119, class: "of-g title" }, t("G's loss: D must say real")), svg("text", { x: 646, y: 128, class: "of-d title start" }, t("D's loss: tell apart")));

  /** @param {ReturnType<typeof slot>} place @param {Seen | undefined} seen */
  function fill({ inside, x }, seen) {
    if (!seen) return;
    if ("word" in seen) return inside.replaceChildren(svg("text", { x: x + 30, y: 67, class: "title" }, seen.word));
    if ("href" in seen) return inside.replaceChildren(svg("image", { x: x + 2, y: 34, width: 56, height: 56, href: seen.href, style: "image-rendering: pixelated" }));
    const at = (/** @type {number} */ value) => 30 + (28 * value) / REACH;
    const dots = Array.from({ length: Math.min(DOTS, seen.points.length / 2) }, (_, k) => [at(seen.points[2 * k]), at(-seen.points[2 * k + 1])]);
    inside.replaceChildren(...dots.filter((dot) => dot.every((place) => place > 1 && place < 59)).map(([left, top]) => svg("circle", { cx: x + left, cy: 32 + top, r: 1.7 })));
  }

  return {
    view: el("div", { class: "drawn of-gan" }, view),
    /**
     * @param {{z?: ArrayLike<number>, generated?: Seen, real?: Seen, of_generated?: string, of_real?: string}} now what D says
     *   of both, in words
     */
    show(now) {
      if (now.z) z.replaceChildren(...Array.from({ length: BARS }, (_, k) => {
        const height = Math.min(26, 12 * Math.abs(/** @type {ArrayLike<number>} */ (now.z)[k] ?? 0));
        return svg("rect", { x: 10 + 4.6 * k, y: (/** @type {ArrayLike<number>} */ (now.z)[k] ?? 0) > 0 ? 62 - height : 62, width: 3.6, height });
      }));
      fill(generated, now.generated);
      fill(real, now.real);
      if (now.of_generated !== undefined) said_generated.textContent = now.of_generated;
      if (now.of_real !== undefined) said_real.textContent = now.of_real;
    },
  };
}
