/** Questions before answers: the reader chooses, the screen moves, and then it says what is so. */

import { button, el, t } from "./dom.js";

/**
 * @typedef {{
 *   text: string, choices: string[],
 *   act: () => Promise<{right: number, because: string}>,
 * }} Step `act` sets the screen and says which choice (from 0) is right, and what the numbers show
 */

/**
 * @param {() => Step[]} steps
 * @param {string} [after] the name of the tab where the tour goes on
 */
export function questions(steps, after) {
  const all = steps();
  let at = 0;
  const place = el("small", {});
  const text = el("p", { class: "question" });
  const choices = el("div", { class: "buttons" });
  const answer = el("p", { class: "answer", role: "status" });
  const next = button("", () => {
    if (at + 1 < all.length) put(at + 1);
    else if (after) document.getElementById(`tab-${after}`)?.click();
  }, { class: "next" });
  const view = el("div", { class: "ask", role: "group", "aria-label": t("Predict, press, see") }, el("div", { class: "line" }, text, place), el("div", { class: "line choices" }, choices, next), answer);

  /** @param {number} k */
  function put(k) {
    at = k;
    place.textContent = all.length > 1 ? `${k + 1} / ${all.length}` : "";
    text.textContent = all[k].text;
    answer.textContent = "";
    choices.replaceChildren(...all[k].choices.map((choice, chosen) => button(choice, () => void choose(chosen))));
    const onward = k + 1 < all.length || (after && document.getElementById(`tab-${after}`));
    next.textContent = k + 1 < all.length ? t("Next question") : t("On to the next page");
    next.hidden = !onward;
  }

  /** @param {number} chosen */
  async function choose(chosen) {
    const step = at;
    answer.textContent = t("See what happens.");
    const buttons = /** @type {HTMLButtonElement[]} */ ([...choices.children]);
    buttons.forEach((one, k) => one.setAttribute("aria-pressed", String(k === chosen)));
    try {
      const { right, because } = await all[step].act();
      if (step !== at) return;
      answer.textContent = `${chosen === right ? t("As you said.") : t("No: %(choice)s.", { choice: all[step].choices[right] })} ${because}`;
    } catch (error) {
      answer.textContent = /** @type {Error} */ (error).message;
    }
  }

  put(0);
  return { view, refresh: () => put(at) };
}
