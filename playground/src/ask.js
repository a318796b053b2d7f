/** A question before its answer: the reader chooses, the screen moves, and then it says what is so. */

import { button, el, t } from "./dom.js";

/**
 * @typedef {{
 *   text: string, choices: string[],
 *   act: () => Promise<{right: number, because: () => string}>,
 * }} Question `act` sets the screen and says which choice (from 0) is right, and what the numbers show:
 *   nothing once the screen shows something else
 */

/** @param {Question} question */
export function asks({ text, choices, act }) {
  /** What is said of the screen, while it is so. */
  let told = () => "";
  const answer = el("p", { class: "answer", role: "status" });
  const buttons = choices.map((choice, chosen) => button(choice, () => void choose(chosen)));
  const next = button(t("On to the next page"), () => tabAfter()?.click(), { class: "next" });
  const view = el("div", { class: "ask", role: "group", "aria-label": t("Predict, press, see") },
    el("p", { class: "question" }, text), el("div", { class: "line choices" }, el("div", { class: "buttons" }, ...buttons), next), answer);

  /** @param {number} chosen */
  async function choose(chosen) {
    told = () => t("See what happens.");
    look();
    buttons.forEach((one, k) => one.setAttribute("aria-pressed", String(k === chosen)));
    try {
      const { right, because } = await act();
      const verdict = chosen === right ? t("As you said.") : t("No: %(choice)s.", { choice: choices[right] });
      told = () => because() && `${verdict} ${because()}`;
    } catch (error) {
      told = () => /** @type {Error} */ (error).message;
    }
    look();
  }

  const tabAfter = () => /** @type {HTMLElement | null | undefined} */ (
    document.querySelector("[role=tab][aria-selected=true]")?.nextElementSibling);

  /** To be called when the screen may show something else: an answer goes with what it speaks of. */
  function look() {
    const now = told();
    if (answer.textContent !== now) answer.textContent = now;
    view.classList.toggle("answered", Boolean(now) && now !== t("See what happens."));
    next.hidden = !tabAfter();
    if (!now) for (const one of buttons) one.removeAttribute("aria-pressed");
  }

  look();
  return { view, look };
}
