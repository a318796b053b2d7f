/** One part for the networks of several people: whose it shows is chosen above it. */

import { owner } from "./address.js";
import { button, el, t } from "./dom.js";

const { remember, remembered } = owner("whose", ["whose"]);

/** @typedef {{generator?: string, discriminator?: string}} Whose of the toolkit's own there is no name */

/**
 * @template Source
 * @param {{whose: Whose, source: Source}[]} all those that are shown first come first
 * @param {(source: Source) => import("./frame.js").Part} make
 * @returns {import("./frame.js").Part}
 */
export function chosen(all, make) {
  if (all.length === 1) return make(all[0].source);
  const names = all.map(({ whose }) => whose.generator ?? whose.discriminator ?? t("the toolkit"));
  const holder = el("div", {});
  const note = el("p", { class: "note" });
  const buttons = names.map((name, k) => button(name, () => choose(k)));
  let part = make(all[0].source);

  /** @param {number} k */
  function choose(k) {
    remember({ whose: k ? k : "" }, true);
    put(k);
    part.show();
  }

  /** @param {number} k */
  function put(k) {
    part = make(all[k].source); // anew, at the seed that the address names now
    holder.replaceChildren(part.view);
    const { generator, discriminator } = all[k].whose;
    buttons.forEach((one, at) => one.setAttribute("aria-pressed", String(at === k)));
    const foreign = generator !== discriminator;
    note.textContent = t("Generator: %(generator)s. Discriminator: %(discriminator)s.", {
      generator: generator ?? t("the toolkit's"), discriminator: discriminator ?? t("the toolkit's"),
    }) + (foreign ? ` ${t("This discriminator was trained with another generator, so its logits of these pictures say less.")}` : "");
  }

  put(all[Number(remembered("whose"))] ? Number(remembered("whose")) : 0);
  return {
    view: el("div", {}, el("div", { class: "buttons", role: "group", "aria-label": t("Whose networks") }, ...buttons), note, holder),
    show: () => part.show(),
  };
}
