/** What stands around the parts of a page: its title, tabs, two languages, large type. */

import { onReturn, owner } from "./address.js";
import { button, el, saveAs, setLanguage, setRoot, t } from "./dom.js";
import { film, toPicture, toSvg } from "./figure.js";
import { equations, yourOwn } from "./words.js";

const { remember, remembered } = owner("frame", ["lang", "large", "tab"]);

/**
 * A part is shown when its tab is chosen, and again when its width or the colours change.
 * @typedef {{view: HTMLElement, show: () => void}} Part
 *
 * @typedef {{
 *   title: () => string,
 *   parts: () => [name: string, title: string, make: () => Part][],
 *   foot?: () => HTMLElement,
 *   own: string,
 *   zh: Record<string, string>,
 *   isDark: () => boolean,
 * }} Page `own` is the command that shows one's own networks in such a page
 */

const [SECONDS, PER_SECOND] = [3, 8]; // of a recorded figure
const NARROW = 60; // rem, below which one thing stands under the other

const isChinese = () =>
  (remembered("lang") ?? new URLSearchParams(location.search).get("lang") ?? navigator.language).startsWith("zh");

/**
 * Fill an element with a page, and fill it anew whenever the language changes or the reader goes
 * back.
 * @param {HTMLElement} root
 * @param {Page} page
 */
export function frame(root, page) {
  /** Draws what is chosen again. */
  let show = () => {};
  function repaint() {
    const letters = root.clientWidth / parseFloat(getComputedStyle(document.documentElement).fontSize);
    root.classList.toggle("narrow", letters < NARROW);
    show();
  }
  root.classList.add("page");
  setRoot(root);

  function render() {
    const chinese = isChinese();
    setLanguage(chinese ? "zh" : "en", page.zh);
    document.documentElement.lang = chinese ? "zh-Hans" : "en";
    document.title = page.title();
    setLarge(remembered("large") === "1");
    const parts = page.parts();
    const tabs = parts.map(([name, title], k) =>
      el("button", {
        type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `part-${name}`,
        onclick: () => choose(name, true),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const last = tabs.length - 1;
          const next = { ArrowRight: k < last ? k + 1 : 0, ArrowLeft: k ? k - 1 : last, Home: 0, End: last }[event.key];
          if (next === undefined) return;
          event.preventDefault();
          choose(parts[next][0], true);
          tabs[next].focus();
        },
      }, title));
    const panels = parts.map(([name]) =>
      el("section", { id: `part-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}` }));
    /** @type {Record<string, Part>} */
    const made = {};

    /**
     * @param {string} chosen
     * @param {boolean} isStep
     */
    function choose(chosen, isStep) {
      parts.forEach(([name, , make], k) => {
        panels[k].hidden = name !== chosen;
        tabs[k].setAttribute("aria-selected", String(name === chosen));
        tabs[k].tabIndex = name === chosen ? 0 : -1;
        if (name !== chosen) return;
        if (!made[name]) panels[k].append((made[name] = make()).view, saves(panels[k], name)); // when it is first looked at
        show = made[name].show;
        const list = tabs[k].parentElement;
        if (list) list.scrollLeft += tabs[k].getBoundingClientRect().left - list.getBoundingClientRect().left - 16; // on a phone
        repaint();
      });
      if (isStep) remember({ tab: chosen }, true);
    }

    root.replaceChildren(
      el("header", {},
        el("h1", {}, page.title()),
        parts.length > 1 ? el("div", { role: "tablist", "aria-label": page.title() }, ...tabs) : null,
        el("div", { class: "switches" }, largeSwitch(), languageSwitch(chinese))),
      el(root === document.body ? "main" : "div", {}, ...panels, el("div", { class: "asides" }, equations(), yourOwn(page.own))), // Gradio's page has a main already
      ...(page.foot ? [page.foot()] : []),
    );
    const wanted = remembered("tab");
    choose(parts.find(([name]) => name === wanted)?.[0] ?? parts[0][0], false);
  }

  /**
   * The figure that a part shows, to keep.
   * @param {HTMLElement} panel
   * @param {string} name
   */
  function saves(panel, name) {
    const keep = button(t("Save figure (SVG)"), () =>
      saveAs(`${name}.svg`, new Blob([toSvg(panel, show)], { type: "image/svg+xml" })));
    const shoot = button(t("Record 3 seconds (GIF)"), async () => {
      shoot.disabled = true;
      /** @type {ImageData[]} */
      const pictures = [];
      while (pictures.length < SECONDS * PER_SECOND) {
        pictures.push(await toPicture(panel, pictures[0] ?? null));
        await new Promise((go) => setTimeout(go, 1000 / PER_SECOND));
      }
      saveAs(`${name}.gif`, film(pictures, 1000 / PER_SECOND));
      shoot.disabled = false;
    }, { title: t("what moves now: press Play or Start before") });
    return el("div", { class: "buttons saves" }, keep, shoot);
  }

  /** @param {boolean} chinese */
  const languageSwitch = (chinese) =>
    button(chinese ? "English" : "中文", () => {
      remember({ lang: chinese ? "en" : "zh" });
      render();
    }, { lang: chinese ? "en" : "zh-Hans" });

  /** @param {boolean} isLarge */
  const setLarge = (isLarge) => document.documentElement.classList.toggle("large", isLarge);

  function largeSwitch() {
    const toggle = button(t("Projector"), () => {
      const isLarge = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(isLarge));
      remember({ large: isLarge ? 1 : "" });
      setLarge(isLarge);
      repaint();
    }, { title: t("Large type, for a classroom"), "aria-pressed": String(remembered("large") === "1") });
    return toggle;
  }

  function paint() {
    root.classList.toggle("dark", page.isDark());
    repaint();
  }

  addEventListener("resize", () => repaint());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  if (root !== document.body) {
    new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
  }
  onReturn(render);
  paint();
  render();
}
