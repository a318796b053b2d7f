/** The demo "Gate microscope": its numbers come from the server. */

import { el, t } from "../dom.js";
import { frame } from "../frame.js";

/**
 * @param {HTMLElement} element
 * @param {import("./asking.js").Server} server
 * @param {{zh: Record<string, string>}} settings
 */
export function mount(element, server, settings) {
  frame(element, {
    title: () => t("Gate microscope"),
    parts: () => [["part", t("Gate microscope"), () => ({ view: el("p", {}, t("Digits to read")), show: () => {} })]],
    zh: settings.zh,
    isDark: () => document.body.classList.contains("dark"),
  });
}
