/** The latent studio: samples of the generator, walks between them, and a plane through three. */

import { owner } from "./address.js";
import { closer } from "./closer.js";
import { copying } from "./copies.js";
import { button, drawImage, el, labelled, number, percent, saveAs, select, t } from "./dom.js";
import { ganPicture } from "./gan.js";
import { planeThrough } from "./plane.js";
import { NUM_TILES, SURE, sheet } from "./source.js";
import { bytesOf } from "./tensors.js";
import { walking } from "./walk.js";
import { defined } from "./words.js";

const { remember, remembered } = owner("latent", ["seed", "class", "a", "b", "from", "to", "picture", "way", "x", "y"]);

/** @typedef {import("./source.js").Sample} Sample */

const LARGEST_SEED = 999_999;
const UNSURE = 0.8;
const DIGITS = Array.from({ length: 10 }, (_, k) => String(k));

/**
 * A whole number of the address.
 * @param {string} name
 * @param {number} low
 * @param {number} high
 * @param {number} otherwise
 */
function whole(name, low, high, otherwise) {
  const text = remembered(name);
  const value = Number(text);
  return text && Number.isInteger(value) && value >= low && value <= high ? value : otherwise;
}

/** @param {import("./source.js").Source} source */
export function studio(source) {
  const state = {
    seed: whole("seed", 0, LARGEST_SEED, 42),
    digit: DIGITS.includes(remembered("class") ?? "") ? /** @type {string} */ (remembered("class")) : "any",
    a: whole("a", 1, NUM_TILES, 0),
    b: whole("b", 1, NUM_TILES, 0),
    from: whole("from", 0, 9, 3),
    to: whole("to", 0, 9, 8),
    isBetweenClasses: remembered("from") !== null,
    picture: whole("picture", 1, 17, 9) - 1,
    isArc: remembered("way") === "arc",
    x: whole("x", -25, 125, 33) / 100,
    y: whole("y", -25, 125, 33) / 100,
  };

  /** @param {boolean} [isStep] */
  function changed(isStep = false) {
    const { seed, digit, a, b, from, to, isBetweenClasses, isArc } = state;
    remember({
      seed, class: digit === "any" ? "" : digit, way: isArc ? "arc" : "",
      ...(isBetweenClasses ? { from, to, a: "", b: "" } : { from: "", to: "", a: a || "", b: b || "" }),
      picture: state.picture + 1, x: Math.round(100 * state.x), y: Math.round(100 * state.y),
    }, isStep);
  }

  /** @type {Sample[]} */
  let samples = [];
  /** The tiles that are A and B, as far as they are known and among the tiles, counted from 0. */
  let clicked = /** @type {number[]} */ ([]);
  let third = -1; // the tile that is C
  let job = 0;
  const near = closer(source);
  const gan = ganPicture(t("real digits"));
  const walk = walking(source, state, changed, (picture, z) => {
    near.show(picture);
    if (picture) showGan(picture, z);
  });

  /** @param {import("./source.js").Picture} picture @param {ArrayLike<number>} z */
  function showGan({ image, logit }, z) {
    const canvas = el("canvas");
    drawImage(canvas, image);
    gan.show({ z, generated: { href: canvas.toDataURL() }, of_generated: source.canJudge ? t("logit %(logit)s", { logit: number(logit, 1) }) : "" });
  }
  const plane = planeThrough(source, state, changed);

  const tiles = Array.from({ length: NUM_TILES }, (_, k) => {
    const canvas = el("canvas", { width: 28, height: 28 });
    const badge = el("span", { class: "badge" });
    const doubt = el("span", { class: "doubt" });
    const tile = el("button", { type: "button", class: "tile", onclick: () => click(k), onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const move = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: 5, ArrowUp: -5 })[event.key];
      if (!move) return;
      event.preventDefault();
      reach((k + move + NUM_TILES) % NUM_TILES).focus();
    } }, canvas, badge, doubt);
    return { tile, canvas, badge, doubt };
  });

  /**
   * The grid is one stop of the Tab key; the arrow keys lead on.
   * @param {number} k
   */
  function reach(k) {
    tiles.forEach(({ tile }, other) => { tile.tabIndex = other === k ? 0 : -1; });
    return tiles[k].tile;
  }

  const opening = el("p", { class: "legend", role: "status" });
  const progress = el("p", { class: "message quiet", role: "status" });
  const wrong = { seed: el("p", { class: "message", role: "alert" }), digit: el("p", { class: "message", role: "alert" }), classes: el("p", { class: "message", role: "alert" }) };
  const seed = el("input", { type: "number", min: "0", max: String(LARGEST_SEED), step: "1", value: String(state.seed), onchange: () => {
    const value = Number(seed.value);
    const fits = seed.value !== "" && Number.isInteger(value) && value >= 0 && value <= LARGEST_SEED;
    seed.setAttribute("aria-invalid", String(!fits));
    wrong.seed.textContent = fits ? "" : t("The seed is a whole number from 0 to 999,999.");
    if (fits) renew(value);
  } });

  /** @param {number} value of the seed */
  function renew(value) {
    seed.value = String((state.seed = value));
    wrong.seed.textContent = "";
    seed.setAttribute("aria-invalid", "false");
    forget();
    draw(true);
  }

  /** Other samples: what was chosen of the ones before is gone. */
  function forget() {
    state.a = state.b = 0;
    state.isBetweenClasses = false;
  }

  /**
   * Draw the samples that the state asks for.
   * @param {boolean} isStep
   */
  async function draw(isStep) {
    const mine = ++job;
    samples = [];
    clicked = [];
    third = -1;
    opening.textContent = "";
    progress.textContent = t("A moment, please.");
    walk.clear();
    plane.clear();
    showTiles();
    changed(isStep);
    wrong.digit.textContent = wrong.classes.textContent = "";
    try {
      const found = await source.samples(state.seed, state.digit, (count) => {
        if (mine === job) progress.textContent = t("%(count)s samples tried", { count });
      });
      if (mine !== job) return;
      samples = found;
      progress.textContent = "";
      if (state.isBetweenClasses) betweenClasses("stay");
      else await begin(isStep, mine);
    } catch (error) {
      if (mine !== job) return;
      progress.textContent = "";
      wrong.digit.textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * Walk between the two chosen tiles.
   * @param {boolean} isNew
   * @param {number} mine the job
   */
  async function begin(isNew, mine) {
    showTiles();
    if (samples.length < 2) return;
    const fits = state.a && state.b && state.a !== state.b && Math.max(state.a, state.b) <= samples.length;
    const ends = fits ? [state.a - 1, state.b - 1] : await farApart();
    if (mine !== job) return;
    clicked = ends;
    if (isNew) state.picture = 8;
    if (!fits && [ends[0], ends[1]].every((k) => samples[k].share >= SURE)) {
      opening.textContent = t("This pair was chosen because it shows the difference well. A is the first clear sample. B is the clear sample that looks least like a digit when its pixels are mixed with A's.");
    }
    walkTo(clicked.map((k) => samples[k]), false, "stay");
  }

  /** The first clear sample, and the clear one whose pixels, mixed with it, least show a digit. */
  async function farApart() {
    const [first, ...others] = samples.map((_, k) => k).filter((k) => samples[k].share >= SURE);
    if (!others.length) return [0, 1];
    const mixed = await source.judge(others.map((k) =>
      samples[k].image.map((value, j) => (value + samples[first].image[j]) / 2)));
    return [first, others[mixed.reduce((least, one, k) => (one.share < mixed[least].share ? k : least), 0)]];
  }

  /**
   * @param {Sample[]} ends A and B
   * @param {boolean} isSpread
   * @param {"play" | "stay"} how
   */
  function walkTo(ends, isSpread, how) {
    const stem = source.canName ? `walk_${ends[0].digit}_to_${ends[1].digit}` : "walk";
    walk.named(`${stem}_seed${state.seed}`);
    walk.go(ends, isSpread, how);
    const others = samples.filter((one) => !ends.includes(one));
    const c = others.find((one) => !ends.some((end) => end.digit === one.digit)) ?? others[0];
    third = samples.indexOf(c);
    showTiles();
    if (c) plane.open([...ends, c]);
  }

  function showTiles() {
    tiles.forEach(({ tile, canvas, badge, doubt }, k) => {
      const one = samples[k];
      tile.disabled = !one;
      drawImage(canvas, one?.image ?? new Float32Array(784));
      const place = clicked.indexOf(k);
      tile.setAttribute("aria-pressed", String(place >= 0));
      tile.setAttribute("aria-label", one ? t("Sample %(number)s: %(verdict)s", { number: k + 1, verdict: source.canName ? t("%(digit)s (%(share)s)", { digit: one.digit, share: percent(one.share) }) : "" }) : t("nothing yet"));
      badge.textContent = ["A", "B"][place] ?? (k === third ? "C" : "");
      doubt.textContent = one?.share < UNSURE ? "?" : "";
    });
  }

  /** @param {number} k */
  function click(k) {
    job++;
    third = -1;
    opening.textContent = "";
    if (clicked.length === 2 || clicked[0] === k) clicked = [];
    clicked.push(k);
    reach(k);
    showTiles();
    if (clicked.length < 2) {
      walk.clear();
      progress.textContent = t("Now click the sample where the walk ends.");
      return;
    }
    progress.textContent = "";
    [state.a, state.b] = clicked.map((at) => at + 1);
    state.isBetweenClasses = false;
    state.picture = 0;
    changed(true);
    walkTo(clicked.map((at) => samples[at]), false, "play");
  }

  /**
   * From a clear sample of one class to one of another.
   * @param {"play" | "stay"} how
   */
  async function betweenClasses(how) {
    const mine = ++job;
    clicked = [];
    third = -1;
    showTiles();
    walk.clear();
    opening.textContent = wrong.classes.textContent = "";
    progress.textContent = t("A moment, please.");
    if (state.from === state.to) {
      progress.textContent = "";
      wrong.classes.textContent = t("Choose two different classes.");
      return;
    }
    try {
      const tiles = [state.from, state.to].map((wanted) => samples.find(({ digit, share }) => digit === wanted && share >= SURE));
      const [a, b] = tiles.every(Boolean) ? tiles : await source.pair(state.seed, state.from, state.to);
      if (mine !== job) return;
      const ends = /** @type {Sample[]} */ ([a, b]);
      progress.textContent = "";
      clicked = tiles.every(Boolean) ? ends.map((end) => samples.indexOf(end)) : [];
      if (!clicked.length) progress.textContent = t("A and B are not among these samples: they do not show both digits clearly.");
      walkTo(ends, true, how);
    } catch (error) {
      if (mine === job) [wrong.classes.textContent, progress.textContent] = [/** @type {Error} */ (error).message, ""];
    }
  }

  function startBetweenClasses() {
    [state.from, state.to] = [Number(from.value), Number(to.value)];
    state.isBetweenClasses = true;
    state.picture = 0;
    changed(true);
    betweenClasses("play");
  }

  async function savePng() {
    if (samples.length) saveAs(`samples_seed${state.seed}.png`, await sheet(samples.map(({ image }) => image), 5));
  }

  /** @param {HTMLElement} field @param {HTMLElement} message */
  const beside = (field, message) => el("div", { class: "beside" }, field, message);
  /** @type {[string, string][]} */
  const classes = DIGITS.map((digit) => [digit, digit]);
  const digit = select([["any", t("any")], ...classes], state.digit, (value) => {
    state.digit = value;
    forget();
    draw(true);
  });
  const from = select(classes, String(state.from), () => {});
  const to = select(classes, String(state.to), () => {});
  if (source.canName) walk.controls.prepend(beside(el("div", { class: "classes" }, labelled(t("Walk from class"), from), labelled(t("to class"), to), button(t("Walk"), startBetweenClasses)), wrong.classes));
  const view = el("div", {},
    el("p", { class: "question" }, ...defined(t("The {G|generator} turns random numbers {z|z} into an image. Move z, and the image changes."))),
    gan.view,
    el("div", { class: "studio" },
      el("div", {},
        el("h2", {}, t("Click two samples, A and B")),
        el("div", { class: "tiles", role: "group", "aria-label": t("Samples") }, ...tiles.map(({ tile }) => tile)),
        el("div", { class: "controls" },
          button(t("New samples"), () => renew(Math.floor(Math.random() * (LARGEST_SEED + 1))), { class: "primary" }), progress)),
      el("div", {}, walk.view, near.view), plane.view,
      el("div", { class: "settings" },
        el("div", { class: "controls" },
          beside(labelled(t("Seed"), seed), wrong.seed),
          source.canName ? beside(labelled(t("Only of class"), digit), wrong.digit) : null,
          button(t("Save samples (PNG)"), savePng)),
        source.canName ? el("p", { class: "legend" }, t("? no clear digit: the classifier is less than 80% sure of it.")) : null,
        opening,
        el("p", { class: "task" }, t("z has %(count)s numbers; nobody tells the generator which digit to make of them. The film goes from A to B: on the left through z, on the right with the pixels of A and B mixed.", { count: source.latent_dim })),
        el("p", { class: "why" }, t("What does moving along z do? The training has made a digit of nearly every z, so nearly every picture on the way is a digit: one digit turns into another. Only pictures at the border between two digits are unclear. Mixed pixels show two digits on top of each other, which may look like a third. Measured over 2,000 random pairs of clear samples, by the toolkit's generator: of the 17 pictures of a walk, 0.7 through z show no clear digit on average, and 2.4 with pixels mixed. In 80% of the pairs z is better, in 6% it is worse."),
          source.early ? ` ${t("Early in its training the generator made hardly more than shadows.")}` : ""))),
  );
  gan.show({ real: { word: "MNIST" } });
  if (source.copies) {
    const { seed: compared, images } = source.copies;
    const canvas = el("canvas");
    drawImage(canvas, Array.from(bytesOf(images).subarray(0, 784), (byte) => byte / 255));
    gan.show({ real: { href: canvas.toDataURL() } });
    view.append(copying(source.copies, () => source.samples(compared, "any", () => {})));
  }
  reach(0);
  return {
    view,
    show() {
      walk.show();
      plane.show();
      if (!job) draw(false);
    },
  };
}
