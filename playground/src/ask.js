/** Questions before answers: the reader chooses, the screen moves, and then it says what is so. */

import { button, el, t } from "./dom.js";

/**
 * @typedef {{
 *   text: string, choices: string[],
 *   act: () => Promise<{right: number, because: () => string}>,
 * }} Step `act` sets the screen and says which choice (from 0) is right, and what the numbers show:
 *   nothing once the screen shows something else
 */

/**
 * The tour goes on in the tab after the one that is open.
 * @param {() => Step[]} steps
 */
export function questions(steps) {
  const all = steps();
  let at = 0;
  /** What is said of the screen, while it is so. */
  let told = () => "";
  const place = el("small", {});
  const text = el("p", { class: "question" });
  const choices = el("div", { class: "buttons" });
  const answer = el("p", { class: "answer", role: "status" });
  const next = button("", () => {
    if (at + 1 < all.length) put(at + 1);
    else tabAfter()?.click();
  }, { class: "next" });
  const view = el("div", { class: "ask", role: "group", "aria-label": t("Predict, press, see") }, el("div", { class: "line" }, text, place), el("div", { class: "line choices" }, choices, next), answer);

  /** @param {number} k */
  function put(k) {
    at = k;
    place.textContent = all.length > 1 ? `${k + 1} / ${all.length}` : "";
    text.textContent = all[k].text;
    told = () => "";
    look();
    choices.replaceChildren(...all[k].choices.map((choice, chosen) => button(choice, () => void choose(chosen))));
    next.textContent = k + 1 < all.length ? t("Next question") : t("On to the next page");
    next.hidden = k + 1 === all.length && !tabAfter();
  }

  /** @param {number} chosen */
  async function choose(chosen) {
    const step = at;
    told = () => t("See what happens.");
    look();
    const buttons = /** @type {HTMLButtonElement[]} */ ([...choices.children]);
    buttons.forEach((one, k) => one.setAttribute("aria-pressed", String(k === chosen)));
    try {
      const { right, because } = await all[step].act();
      if (step !== at) return;
      const verdict = chosen === right ? t("As you said.") : t("No: %(choice)s.", { choice: all[step].choices[right] });
      told = () => because() && `${verdict} ${because()}`;
      look();
    } catch (error) {
      told = () => /** @type {Error} */ (error).message;
      look();
    }
  }

  const tabAfter = () => /** @type {HTMLElement | null | undefined} */ (
    document.querySelector("[role=tab][aria-selected=true]")?.nextElementSibling);

  /** To be called when the screen may show something else: an answer goes with what it speaks of. */
  function look() {
    const now = told();
    if (answer.textContent !== now) answer.textContent = now;
    if (now) return;
    for (const one of choices.children) one.removeAttribute("aria-pressed");
  }

  put(0);
  return { view, look };
}
