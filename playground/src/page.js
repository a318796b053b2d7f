/** The page: what the exports hold, in tabs, in English or Chinese. */

import { el, number, percent, t } from "./dom.js";
import { drawing, localEyes } from "./drawing.js";
import { spotTheFake } from "./fake.js";
import { training } from "./film.js";
import { defined } from "./words.js";
import { frame } from "./frame.js";
import { chosen } from "./whose.js";
import { microscope } from "./microscope.js";
import { openModels } from "./models.js";
import { localSource, shown } from "./reading.js";
import { local } from "./source.js";
import multiplication from "./product.wat";
import { ring } from "./ring.js";
import { studio } from "./studio.js";
import { speedUp } from "./tensors.js";
import { trainer } from "./trainer.js";

/** @type {import("./models.js").Exports} */
const exports = JSON.parse(document.getElementById("exports")?.textContent ?? "");
speedUp(multiplication);
const networks = openModels(exports);
Object.assign(globalThis, { playground: networks }); // for the curious, in the console

/** @type {import("./reading.js").Source | null} */
let source = null;

/**
 * What there is to see: a name, a title, and how it is made; parts without their networks are left
 * out.
 */
function available() {
  const { generator, discriminator, classifier, generator_mine, discriminator_mine } = networks;
  const { film, clinic, models } = exports;
  const whose = { generator: models.generator_mine?.whose, discriminator: models.discriminator_mine?.whose };
  const drawers = [
    ...(generator_mine || discriminator_mine ? [{
      whose, generator: generator_mine ?? generator, discriminator: discriminator_mine ?? discriminator,
      copies: exports.copies[generator_mine ? "generator_mine" : "generator"],
    }] : []),
    { whose: {}, generator, discriminator, copies: exports.copies.generator },
  ].flatMap(({ whose: of, generator: made_by, discriminator: told_by, copies }) => (
    made_by ? [{ whose: of, source: local({ generator: made_by, discriminator: told_by, classifier, copies }) }] : []));
  /** @type {[string, string, () => import("./frame.js").Part][]} */
  const parts = [];
  if (shown(networks).length) parts.push(["gates", t("Gate microscope"), () => microscope(source ??= localSource(networks, exports.models))]);
  parts.push(["learn", t("Train a tiny LSTM"), trainer]);
  if (drawers.length) parts.push(["latent", t("Latent studio"), () => chosen(drawers, studio)]);
  if (classifier) parts.push(["draw", t("Draw a digit"), () => drawing(localEyes(classifier, networks))]);
  parts.push(["ring", t("Train a GAN"), ring]);
  if (film || clinic) parts.push(["film", t("A GAN's training"), () => training(async () => ({ film, clinic }), drawers.length > 1)]);
  if (film?.real_png) parts.push(["fake", t("Spot the fake"), () => spotTheFake(async () => film)]);
  return parts;
}

/** Which networks these are: what they score, when their files were written, their SHA-256. */
function foot() {
  const rows = Object.entries(exports.models).map(([name, { sha256, date, metrics, whose }]) => {
    const score =
      "test_accuracy" in metrics
        ? "length" in metrics
          ? t("%(share)s right at T = %(length)s", { share: percent(metrics.test_accuracy), length: number(metrics.length) })
          : t("%(share)s right", { share: percent(metrics.test_accuracy) })
        : "frechet_distance" in metrics
          ? t("Fréchet distance %(distance)s", { distance: number(metrics.frechet_distance, 2) })
          : "–";
    return el("tr", {}, el("th", { scope: "row" }, whose ? `${name.replace(/_mine$/, "")}, ${whose}` : name), el("td", {}, score), el("td", {}, date),
      el("td", {}, el("code", { title: sha256 }, sha256.slice(0, 12))));
  });
  return el("footer", {}, el("details", {},
    el("summary", {}, t("The networks in this page")),
    el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("The networks in this page") }, el("table", {},
      el("thead", {}, el("tr", {}, ...[t("network"), t("measured"), t("file of"), "SHA-256"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, ...rows))),
    el("p", {}, ...defined(t("Made on %(made)s by `python -m toolkit.train playground`. The weights are in half precision, so a logit may be off in its third decimal. The page loads nothing and sends nothing.", { made: exports.made })))));
}

frame(document.body, {
  title: () => t("An LSTM and a GAN, opened"),
  parts: available,
  foot,
  own: "toolkit train playground --exports mine --out mine.html",
  zh: exports.zh,
  isDark: () => matchMedia("(prefers-color-scheme: dark)").matches,
});
