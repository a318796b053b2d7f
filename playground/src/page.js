/** The page: what the exports hold, in tabs, in English or Chinese. */

import { button, el, number, percent, setLanguage, t } from "./dom.js";
import { drawing } from "./drawing.js";
import { training } from "./film.js";
import * as gates from "./microscope.js";
import { openModels } from "./models.js";
import * as latent from "./studio.js";
import * as learning from "./trainer.js";

/** @type {import("./models.js").Exports} */
const exports = JSON.parse(document.getElementById("exports")?.textContent ?? "");
const networks = openModels(exports);
Object.assign(globalThis, { playground: networks }); // for the curious, in the console

const state = { gates: gates.initial(), learning: learning.initial(), latent: latent.initial() };
/** @type {"en" | "zh"} */
let language = (new URLSearchParams(location.search).get("lang") ?? navigator.language).startsWith("zh") ? "zh" : "en";

/** @typedef {{view: HTMLElement, show: () => void}} Part it is shown again when the width changes */

/** Draws what is chosen again. */
let repaint = () => {};

/**
 * What there is to see: a name, a title, and how it is made; parts without their networks are left
 * out.
 */
function available() {
  const { generator, classifier } = networks;
  const { film } = exports;
  /** @type {[string, string, () => Part][]} */
  const parts = [];
  if (gates.shown(networks).length) parts.push(["gates", t("Gate microscope"), () => gates.microscope(networks, exports.models, state.gates)]);
  parts.push(["learn", t("Train a tiny LSTM"), () => learning.trainer(state.learning)]);
  if (generator) parts.push(["latent", t("Latent studio"), () => latent.studio(generator, networks, state.latent)]);
  if (classifier) parts.push(["draw", t("Draw a digit"), () => drawing(classifier, networks)]);
  if (film) parts.push(["film", t("A GAN's training"), () => training(film)]);
  return parts;
}

function render() {
  setLanguage(language, exports.zh);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = t("An LSTM and a GAN, opened");
  const parts = available();
  const tabs = parts.map(([name, title], k) =>
    el("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `part-${name}`,
      onclick: () => choose(name),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!way) return;
        const next = (k + way + tabs.length) % tabs.length;
        choose(parts[next][0]);
        tabs[next].focus();
      },
    }, title));
  const panels = parts.map(([name]) =>
    el("section", { id: `part-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}` }));
  /** @type {Record<string, Part>} */
  const made = {};

  /** @param {string} chosen */
  function choose(chosen) {
    parts.forEach(([name, , make], k) => {
      panels[k].hidden = name !== chosen;
      tabs[k].setAttribute("aria-selected", String(name === chosen));
      tabs[k].tabIndex = name === chosen ? 0 : -1;
      if (name !== chosen) return;
      if (!made[name]) panels[k].append((made[name] = make()).view); // when it is first looked at
      repaint = made[name].show;
      repaint();
    });
    history.replaceState(null, "", `#${chosen}`);
  }

  document.body.replaceChildren(
    el("header", {},
      el("h1", {}, t("An LSTM and a GAN, opened")),
      el("div", { role: "tablist" }, ...tabs),
      button(language === "zh" ? "English" : "中文", () => {
        language = language === "zh" ? "en" : "zh";
        render();
      }, { lang: language === "zh" ? "en" : "zh-Hans" })),
    el("main", {}, ...panels),
    foot(),
  );
  const wanted = location.hash.slice(1);
  const known = () => parts.find(([name]) => name === wanted)?.[0] ?? parts[0][0];
  choose(known());
}

addEventListener("resize", () => repaint());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());

/** Which networks these are: what they score, when their files were written, their SHA-256. */
function foot() {
  const rows = Object.entries(exports.models).map(([name, { sha256, date, metrics }]) => {
    const score =
      "test_accuracy" in metrics
        ? "length" in metrics
          ? t("%(share)s right at T = %(length)s", { share: percent(metrics.test_accuracy), length: number(metrics.length) })
          : t("%(share)s right", { share: percent(metrics.test_accuracy) })
        : "frechet_distance" in metrics
          ? t("Fréchet distance %(distance)s", { distance: number(metrics.frechet_distance, 2) })
          : "–";
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, score), el("td", {}, date),
      el("td", {}, el("code", { title: sha256 }, sha256.slice(0, 12))));
  });
  return el("footer", {},
    el("h2", {}, t("The networks in this page")),
    el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("The networks in this page") }, el("table", {},
      el("thead", {}, el("tr", {}, ...[t("network"), t("measured"), t("file of"), "SHA-256"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, ...rows))),
    el("p", {}, t("Made on %(made)s by `python -m toolkit.train playground`. The weights are in half precision, so a logit may be off in its third decimal. The page loads nothing and sends nothing.", { made: exports.made })));
}

render();
