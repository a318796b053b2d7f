/** The training of the GAN, step by step, and below it trainings that fail. */

import { owner } from "./address.js";
import { asks } from "./ask.js";
import { el, magnitude, number, t } from "./dom.js";
import { player } from "./player.js";
import { drawAuc, drawDigits, drawHistogram, drawSheet, openFilm } from "./reel.js";
import { defined } from "./words.js";

const { remember, remembered } = owner("film", ["trained", "clinic"]);

const FRAME = 700; // milliseconds of each picture, time enough to read its sentence
const TELLS = 0.95; // an AUC: it tells nearly every drawn image from a real one
const ALIKE = 0.1; // of the spread of real logits: so little do those of the drawn ones differ

const HINGE = "hinge"; // of the names in toolkit/gan/config.py the one without a logarithm

/** @typedef {import("./models.js").Film} Film */
/** @typedef {import("./reel.js").Reel} Reel */

/**
 * The frame that the address names, by the step of the training.
 * @param {string} name
 * @param {number[]} steps
 * @param {number} otherwise
 */
function frameOf(name, steps, otherwise) {
  const frame = steps.indexOf(Number(remembered(name) ?? NaN));
  return frame < 0 ? otherwise : frame;
}

/**
 * @param {Reel} reel
 * @param {number} frame
 */
function factsOf(reel, frame) {
  const values = [reel.auc, reel.loss_d, reel.loss_g].map((all) => number(all[frame], 2));
  const [of_d, of_g] = !reel.loss ? [t("loss of D"), t("loss of G")]
    : reel.loss === HINGE ? [t("hinge loss of D"), t("hinge loss of G")] : [t("log loss of D"), t("log loss of G")];
  return [[t("step"), number(reel.steps[frame])], ["AUC", values[0]], [of_d, values[1]], [of_g, values[2]]]
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
}

/**
 * What is loaded when the tab is opened.
 * @param {() => Promise<{film: Film | null, clinic: Record<string, Film> | null}>} load
 * @param {boolean} isOneOf whether there are networks of several people, so that it is said whose it is
 */
export function training(load, isOneOf) {
  const view = el("div", {}, el("p", { class: "message quiet", role: "status" }, t("A moment, please.")));
  /** @type {(() => void)[]} */
  let shows = [];
  const ready = (async () => {
    try {
      const { film, clinic } = await load();
      const opened = clinic ? await Promise.all(Object.entries(clinic).map(async ([name, one]) => /** @type {[string, Reel]} */ ([name, await openFilm({ loss: "non-saturating", ...one })]))) : [];
      const parts = [...(film ? [main(await openFilm(film))] : []), ...(clinic ? [ward(Object.fromEntries(opened), film?.loss === HINGE)] : [])];
      view.replaceChildren(isOneOf && film ? el("p", { class: "note" }, t("The training of: %(whose)s", { whose: film.whose || t("the toolkit") })) : "", ...parts.map((part) => part.view));
      shows = parts.map((part) => part.show);
    } catch (error) {
      view.replaceChildren(el("p", { class: "message", role: "alert" }, /** @type {Error} */ (error).message));
    }
  })();
  return { view, show: () => void ready.then(() => shows.forEach((show) => show())) };
}

/**
 * What a frame of the training shows. An AUC near 0.5 alone says nothing: a discriminator is also
 * at a loss where all drawn images are alike.
 * @param {Reel} reel
 * @param {number} frame
 */
export function described({ auc, real, drawn, num_asked, steps }, frame) {
  const [spread_real, spread_drawn] = [real, drawn].map((all) => {
    const logits = all.subarray(frame * num_asked, (frame + 1) * num_asked);
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / num_asked;
    return Math.sqrt(logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / num_asked);
  });
  if (steps[frame] === 0) return t("Before the training both networks are random, and so is what the discriminator says.");
  if (auc[frame] > TELLS) return t("The discriminator tells nearly every generated image from a real one.");
  if (spread_drawn < ALIKE * spread_real) {
    return t("The logits of generated images spread by %(drawn)s, those of real ones by %(real)s: to the discriminator the generated images are all alike. The AUC only says where they fall among the real ones, not how real they look.", { drawn: number(spread_drawn, 3), real: number(spread_real, 3) });
  }
  if (auc[frame] < 0.4) return t("In most pairs the generated image has the higher logit: the discriminator takes generated images for real.");
  return auc[frame] > 0.8 ? t("The discriminator is often right, but the two histograms begin to meet.")
    : auc[frame] > 0.6 ? t("The two histograms overlap in part: the discriminator is right more often than not.")
    : t("The discriminator can hardly tell generated from real: of a pair it knows little better than a guess which is which.");
}

/**
 * What the classifier makes of a frame's pictures. It knows nothing but digits: to noise, too, it may
 * give a name.
 * @param {number[]} digits how many are taken for each, and at last how many are not clear
 */
export function counted(digits) {
  const counts = digits.slice(0, 10);
  const all = digits.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  const values = { count: all, unsure: digits[10], digit: counts.indexOf(most), times: most, kinds: counts.filter(Boolean).length };
  return !most ? t("None of these %(count)s pictures is a clear digit.", values) : most > all / 2
    ? t("Of these %(count)s pictures the classifier, which knows nothing but digits, takes %(times)s for the digit %(digit)s.", values)
    : t("Of these %(count)s pictures, without a clear digit: %(unsure)s. Digits among the others: %(kinds)s of ten.", values);
}

/**
 * The digits of a frame, in bars and in words; nothing if there was no classifier to count them.
 * @param {Reel} reel
 */
function classes({ digits }) {
  const canvas = el("canvas", { class: "chart", role: "img" });
  const said = el("p", { class: "legend" });
  return { parts: digits ? [canvas, said] : [], show: (/** @type {number} */ frame) => {
    if (!digits) return;
    drawDigits(canvas, digits[frame], 64);
    said.textContent = counted(digits[frame]);
    canvas.setAttribute("aria-label", said.textContent);
  } };
}

/** @param {Reel} reel */
function main(reel) {
  const sheet = el("canvas", { class: "sheet", role: "img" });
  const histogram = el("canvas", { class: "chart", role: "img" });
  const curve = el("canvas", { class: "chart", role: "img", "aria-label": t("AUC over the steps") });
  const facts = el("dl", { class: "figures" });
  const sentence = el("p", { class: "sentence", role: "status" });
  const digits = classes(reel);
  let frame = frameOf("trained", reel.steps, 0);
  const scrubber = player(t("Step of the training"), reel.steps.length, (chosen) => {
    frame = chosen;
    remember({ trained: reel.steps[frame] });
    show();
  }, FRAME);

  function show() {
    drawSheet(sheet, reel, frame);
    drawHistogram(histogram, reel, frame, 190);
    drawAuc(curve, reel, frame, 90);
    digits.show(frame);
    scrubber.slider.setAttribute("aria-valuetext", t("step %(step)s, AUC %(auc)s", { step: number(reel.steps[frame]), auc: number(reel.auc[frame], 2) }));
    facts.replaceChildren(...factsOf(reel, frame));
    sentence.textContent = described(reel, frame);
    tour.look();
  }

  const tour = asks({
    text: t("At the end of the training the discriminator D sees pairs of a real and a generated image. How often does the real one get the higher logit?"),
    choices: [t("in more than 90 of 100 pairs"), t("in 60 to 90"), t("in fewer than 60: little better than a guess")],
    act: async () => {
      const last = reel.steps.length - 1;
      scrubber.go(last);
      const auc = reel.auc[last];
      return { right: auc > 0.9 ? 0 : auc >= 0.6 ? 1 : 2, because: () => frame !== last ? "" : `${t("The AUC is %(auc)s there.", { auc: number(auc, 2) })} ${described(reel, last)}` };
    },
  });
  const view = el("div", {},
    tour.view,
    scrubber.view,
    el("div", { class: "film" },
      el("div", {}, sheet, ...digits.parts),
      el("div", {}, facts, sentence,
        el("p", { class: "legend" }, el("span", { class: "line-c" }, t("logits of real images, upwards")), el("span", { class: "line-f" }, t("of generated ones, downwards; above 0 means real"))),
        histogram,
        el("p", { class: "legend" }, t("A bar's height is the square root of its count, so that rare logits show as well. ▸ and ◂: so many logits lie beyond the edge.")),
        el("p", { class: "legend" }, el("span", { class: "line-c" }, ...defined(t("{auc|AUC}: how often a real image has the higher {logit|logit} of a pair; 0.5 is a guess")))),
        curve)),
    el("p", { class: "task" }, t("The pictures: the same 25 z at %(frames)s steps of the training. The histograms: what the discriminator of that moment said of %(asked)s real images and of %(asked)s generated ones.", { frames: reel.steps.length, asked: reel.num_asked })));
  scrubber.slider.value = String(frame);
  return { view, show };
}

/** Name and what was done, in the order of the page. */
const CASES = () => /** @type {[string, string, string][]} */ ([
  ["healthy", t("Healthy"), t("Both learn in every step, at the same rate.")],
  ["collapse", t("Collapse"), t("After step 200 the discriminator learns only in every 100th step. The cure: let both learn in every step.")],
  ["saturation", t("Saturation"), t("The generator minimises log(1 − D(G(z))) against a discriminator that was trained for 50 steps before. The cure: minimise −log D(G(z)), and start both together.")],
  ["overpowered", t("The discriminator wins"), t("No penalty for the discriminator, and a generator that learns at a hundredth of its rate. The cure: the penalty R1, and the same rate for both.")],
]);

/**
 * What a failure looks like from inside after a step: a sentence stands only where its numbers are so.
 * @param {string} name of the case
 * @param {Reel} reel
 * @param {number} frame
 * @param {Reel} [healthy]
 */
export function diagnosed(name, reel, frame, healthy = reel) {
  const { auc, loss_g, steps, num_asked } = reel;
  const general = described(reel, frame);
  if (frame === 0) return general;
  const losses = (/** @type {number} */ from) => {
    const all = loss_g.slice(from, frame + 1);
    return { from: number(steps[from]), low: number(Math.min(...all), 2), high: number(Math.max(...all), 2) };
  };
  if (name === "healthy") {
    const from = auc.map((one) => one > TELLS).lastIndexOf(true) + 1; // since then it has been wrong at times
    return from >= frame ? general : `${general} ${t("The loss hardly shows that the digits get better: from step %(from)s on the generator's loss has stayed between %(low)s and %(high)s.", losses(from))}`;
  }
  if (name === "collapse") {
    if (loss_g[frame] === healthy.loss_g[frame]) return t("Up to here it is the healthy training.");
    const [real, drawn] = [reel.real, reel.drawn].map((all) => all.subarray(frame * num_asked, (frame + 1) * num_asked));
    const [highest, lowest] = [Math.max(...real), Math.min(...drawn)];
    return [
      t("Every z gives nearly the same image, the one that this discriminator likes best."),
      highest < lowest ? t("The highest logit of a real image is %(real)s, and the lowest of a generated one %(drawn)s, even if both stand in one bar: the AUC is 0.", { real: number(highest, 2), drawn: number(lowest, 2) }) : general,
      loss_g[frame] < healthy.loss_g[frame] ? t("The generator's loss is lower than in the healthy training, which looks like success.") : "",
    ].filter(Boolean).join(" ");
  }
  if (auc[frame] <= TELLS) return general;
  if (name === "saturation") return t("The discriminator is always right. There log(1 − D) is flat: the generator's gradient is %(times)s times smaller than that of −log D, its loss stands at 0, and the pictures stay noise.", { times: magnitude(-1 / loss_g[frame]) });
  return [
    auc[frame] === 1 ? t("The two histograms lie apart: the AUC is 1.") : t("The two histograms hardly touch: the discriminator is wrong about less than one pair in %(pairs)s.", { pairs: number(10 ** Math.floor(-Math.log10(1 - auc[frame]))) }),
    frame > 1 ? t("The generator's loss has jumped between %(low)s and %(high)s, and the pictures stay noise. Its gradient is large and says nothing about digits.", losses(1)) : "",
  ].join(" ");
}

/**
 * Failures beside a training that works, at the same step.
 * @param {Record<string, Reel>} reels
 * @param {boolean} isOther whether the film above has another kind of loss
 */
function ward(reels, isOther) {
  const shown = CASES().filter(([name]) => reels[name]);
  const { steps } = reels[shown[0][0]];
  let frame = frameOf("clinic", steps, steps.length - 1); // where one sees that they failed
  const beds = shown.map(([name, title, cause]) => {
    const sheet = el("canvas", { class: "sheet", role: "img" });
    const histogram = el("canvas", { class: "chart", role: "img" });
    const facts = el("dl", { class: "figures small" });
    const said = el("p", {});
    const digits = classes(reels[name]);
    const view = el("article", {}, el("h3", {}, title), el("p", { class: "legend" }, cause), sheet, facts, histogram, ...digits.parts, said);
    return { view, show() {
      drawSheet(sheet, reels[name], frame);
      drawHistogram(histogram, reels[name], frame, 96);
      digits.show(frame);
      facts.replaceChildren(...factsOf(reels[name], frame).slice(1));
      said.textContent = diagnosed(name, reels[name], frame, reels.healthy);
    } };
  });
  const scrubber = player(t("Step of the four trainings"), steps.length, (chosen) => {
    frame = chosen;
    remember({ clinic: steps[frame] });
    show();
  }, FRAME);
  const now = el("p", { class: "sentence", role: "status" });
  function show() {
    now.textContent = t("after step %(step)s", { step: number(steps[frame]) });
    scrubber.slider.setAttribute("aria-valuetext", now.textContent);
    beds.forEach((bed) => bed.show());
  }
  const view = el("div", {},
    el("h2", {}, t("When it fails: what does it look like from inside?")),
    scrubber.view, now, el("div", { class: "ward" }, ...beds.map((bed) => bed.view)),
    el("p", { class: "task" }, ...defined(t("Four short trainings of the same networks, all at the same step. The command `toolkit train clinic` repeats them and says more about each.")),
      isOther ? ` ${t("Their losses are logarithms, log(1 + e^−logit) where real is right; those of the film above are hinges, max(0, 1 − logit). So the numbers do not compare.")}` : ""));
  scrubber.slider.value = String(frame);
  return { view, show };
}
