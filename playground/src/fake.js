/** Spot the fake: twelve digits, six of them real, at three stages of the training. */

import { owner } from "./address.js";
import { button, el, number, t } from "./dom.js";
import { drawTile, openFilm } from "./reel.js";
import { uniformFrom } from "./tensors.js";

const { remember, remembered } = owner("fake", ["game", "picked", "round"]);

/** @typedef {import("./reel.js").Reel} Reel */
/** @typedef {{isReal: boolean, column: number, logit: number}} Card */
/**
 * A class that plays the same twelve: how many have answered a round (from 1), and how many of them
 * took each card for drawn; a picture of an address, to be read by a phone.
 * @typedef {{visitors: number, marks: number[]}} Tally
 * @typedef {{
 *   vote: (game: number, round: number, picked: string) => Promise<Tally>,
 *   tally: (game: number, round: number) => Promise<Tally>,
 *   code: (address: string) => string,
 * }} Room
 */

const HALF = 6; // real ones in a round, and as many drawn ones
const STAGES = 3;
const BEFORE_THE_END = [5, 3, 0]; // frames; before them it is too easy
const SEEDS = 10_000;
const LOOK = { here: 500, there: 3000 }; // milliseconds between two looks at what the class has answered
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/**
 * The order in which a seed draws the numbers below `count`.
 * @param {() => number} uniform
 * @param {number} count
 */
function shuffled(uniform, count) {
  const order = Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(uniform() * (k + 1));
    [order[k], order[other]] = [order[other], order[k]];
  }
  return order;
}

/**
 * The rounds of a seed: early, in the middle and at the end of the training.
 * @param {Reel} reel
 * @param {number} numReals
 * @param {number} seed
 * @returns {{frame: number, cards: Card[]}[]}
 */
export function rounds(reel, numReals, seed) {
  const uniform = uniformFrom(seed);
  const last = reel.steps.length - 1;
  const reals = shuffled(uniform, numReals);
  return Array.from({ length: STAGES }, (_, stage) => {
    const frame = Math.max(0, last - BEFORE_THE_END[stage]);
    const start = frame * reel.num_asked;
    const drawn = shuffled(uniform, reel.num_tiles).slice(0, HALF);
    const cards = [
      ...reals.slice(stage * HALF, (stage + 1) * HALF).map((column) => ({ isReal: true, column, logit: reel.real[start + column] })),
      ...drawn.map((column) => ({ isReal: false, column, logit: reel.drawn[start + column] })),
    ];
    return { frame, cards: shuffled(uniform, 2 * HALF).map((k) => cards[k]) };
  });
}

/**
 * Which six the discriminator takes for drawn: those of the lowest logits.
 * @param {Card[]} cards
 */
export const accused = (cards) =>
  new Set([...cards].sort((a, b) => a.logit - b.logit).slice(0, HALF));

/**
 * How many of twelve a class is right about, on the average.
 * @param {Card[]} cards
 * @param {Tally} tally
 */
export const rightOf = (cards, { visitors, marks }) =>
  cards.reduce((sum, { isReal }, k) => sum + (isReal ? visitors - marks[k] : marks[k]), 0) / visitors;

/**
 * @param {() => Promise<import("./models.js").Film>} load
 * @param {Room} [room]
 */
export function spotTheFake(load, room) {
  const view = el("div", {}, el("p", { class: "message quiet", role: "status" }, t("A moment, please.")));
  (async () => {
    try {
      view.replaceChildren(game(await openFilm(await load()), room));
    } catch (error) {
      view.replaceChildren(el("p", { class: "message", role: "alert" }, /** @type {Error} */ (error).message));
    }
  })();
  return { view, show: () => {} };
}

/** @param {Reel} reel @param {Room} [room] */
function game(reel, room) {
  if (!reel.reals) throw new Error(t("These files hold no real digits, so there is nothing to guess."));
  const { reals } = reel;
  const given = Number(remembered("game") ?? NaN);
  let seed = Number.isInteger(given) && given >= 0 && given < SEEDS ? given : 1;
  let plan = rounds(reel, reals.width / 28, seed);
  let round = 0;
  /** What you took for drawn in each round that is over. */
  let answers = /** @type {Set<Card>[]} */ ([]);
  let accusedByYou = /** @type {Set<Card>} */ (new Set());

  /** What the class has answered in each round. @type {Tally[]} */
  let tallies = [];
  const title = el("h2", {});
  const cards = el("div", { class: "cards", role: "group" });
  const sentence = el("p", { class: "sentence", role: "status" });
  const check = button(t("Show the answer"), answer, { class: "primary" });
  const next = button(t("Next round"), () => { round++; deal(); check.focus(); }, { class: "primary" });
  const again = button(t("Another twelve"), () => start(Math.floor(Math.random() * SEEDS)));
  const table = el("table", { class: "scores" });

  /** @param {number} chosen */
  function start(chosen) {
    seed = chosen;
    plan = rounds(reel, reals.width / 28, seed);
    round = 0;
    answers = [];
    tallies = [];
    deal();
  }

  const isOver = () => answers.length > round;

  function deal() {
    accusedByYou = answers[round] ?? new Set();
    keep();
    show();
    showDoor();
    look();
  }

  /** Twelve and answers, so that a reload shows the same; of each round that is over 12 times 0 or 1. */
  function keep() {
    remember({ game: seed, picked: answers.map(bits).join("."), round: round ? round + 1 : "" });
  }

  /** @param {Set<Card>} chosen @param {number} k */
  const bits = (chosen, k) => plan[k].cards.map((card) => Number(chosen.has(card))).join("");

  /**
   * Show what the class has answered, as soon as it is there.
   * @param {Promise<Tally> | undefined} coming
   */
  async function hear(coming) {
    const [game, k] = [seed, round];
    try {
      const tally = await coming;
      if (!tally || game !== seed) return;
      heard.textContent = t("Answers to this round: %(count)s", { count: number(tally.visitors) });
      if (JSON.stringify(tallies[k]) === JSON.stringify(tally)) return;
      tallies[k] = tally;
      if (k === round) show();
    } catch (error) {
      heard.textContent = /** @type {Error} */ (error).message;
    }
  }

  const look = () => void hear(room?.tally(seed, round + 1));

  /** Where others join: the same twelve, without answers. */
  function showDoor() {
    if (!room) return;
    const address = `${location.origin}${location.pathname}#tab=fake&game=${seed}`;
    code.src = `data:image/svg+xml,${encodeURIComponent(room.code(address))}`;
    code.alt = t("QR code of %(address)s", { address });
    door.textContent = address;
    door.href = address;
    elsewhere.textContent = LOOPBACK.includes(location.hostname)
      ? t("This address works on this machine only. Start the demo with --host 0.0.0.0 or --share and open the page by the address that others can reach.") : "";
  }

  function recall() {
    const picked = (remembered("picked") ?? "").split(".").slice(0, STAGES);
    const isRound = (/** @type {string} */ bits) => /^[01]{12}$/.test(bits) && bits.split("1").length === HALF + 1;
    if (picked.every(isRound)) answers = picked.map((bits, k) => new Set(plan[k].cards.filter((_, at) => bits[at] === "1")));
    round = Math.min(Math.max(Math.trunc(Number(remembered("round") ?? 1)) || 1, 1), STAGES, answers.length + 1) - 1;
  }

  /** @param {Card} card */
  function choose(card) {
    if (isOver()) return;
    if (!accusedByYou.delete(card)) {
      if (accusedByYou.size === HALF) {
        sentence.textContent = t("Six are chosen already. Click one of them to take it back, then choose this one.");
        return;
      }
      accusedByYou.add(card);
    }
    show();
  }

  /** @param {Set<Card>} chosen @param {number} [k] */
  const right = (chosen, k = round) => plan[k].cards.filter((card) => chosen.has(card) !== card.isReal).length;
  /** Right answers of each round that is over: yours, and the discriminator's. */
  const scored = () => answers.map((chosen, k) => [right(chosen, k), right(accused(plan[k].cards), k)]);

  function answer() {
    answers.push(accusedByYou);
    keep();
    show();
    void hear(room?.vote(seed, round + 1, bits(accusedByYou, round)));
    (round < STAGES - 1 ? next : again).focus();
  }

  function show() {
    const { frame, cards: dealt } = plan[round];
    const over = isOver();
    const suspects = accused(dealt);
    title.textContent = t("Round %(round)s of 3: after step %(step)s of %(last)s of the training", {
      round: round + 1, step: number(reel.steps[frame]), last: number(reel.steps[reel.steps.length - 1]),
    });
    const focused = [...cards.children].indexOf(/** @type {Element} */ (document.activeElement));
    cards.replaceChildren(...dealt.map((card, k) => {
      const canvas = el("canvas", { width: 28, height: 28 });
      drawTile(canvas, card.isReal ? reals : reel.tiles, card.column, card.isReal ? 0 : frame);
      const chosen = accusedByYou.has(card);
      const truth = card.isReal ? t("real") : t("generated");
      const good = chosen !== card.isReal;
      const tally = tallies[round];
      return el("button", {
        type: "button", class: `card${over ? (good ? " good" : " bad") : ""}`, "aria-pressed": String(chosen), "aria-disabled": String(over),
        "aria-label": over
          ? [t("Digit %(number)s was %(truth)s; the discriminator's logit is %(logit)s", { number: k + 1, truth, logit: number(card.logit, 1) }),
            suspects.has(card) ? t("the discriminator takes it for generated") : "",
            tally?.visitors ? t("%(count)s of %(all)s take it for generated", { count: tally.marks[k], all: tally.visitors }) : ""].filter(Boolean).join(t("; "))
          : t("Digit %(number)s", { number: k + 1 }),
        onclick: () => choose(card),
      }, canvas, el("span", { class: "truth" }, over ? `${good ? "✓" : "✗"} ${truth}` : chosen ? t("generated?") : "\u00a0"),
      el("small", {}, over ? t("D: %(logit)s", { logit: number(card.logit, 1) }) : "\u00a0"),
      over && suspects.has(card) ? el("span", { class: "badge" }, "D") : null,
      over && tally?.visitors ? el("small", {}, t("class: %(count)s/%(all)s", { count: tally.marks[k], all: tally.visitors })) : null);
    }));
    if (focused >= 0) /** @type {HTMLElement} */ (cards.children[focused]).focus();
    const left = HALF - accusedByYou.size;
    check.hidden = over;
    check.disabled = left > 0;
    next.hidden = !over || round === STAGES - 1;
    sentence.textContent = over ? verdict() : left ? t("Click the six that were generated: %(count)s to go.", { count: left }) : t("Six are chosen; a click on one takes it back.");
    showScores();
  }

  function verdict() {
    const [you, it] = scored()[round];
    const values = { you, it };
    return you > it ? t("You were right about %(you)s of 12, the discriminator about %(it)s: you won this round.", values)
      : you < it ? t("You were right about %(you)s of 12, the discriminator about %(it)s: it won this round.", values)
      : t("You and the discriminator were both right about %(you)s of 12.", values);
  }

  function showScores() {
    const scores = scored();
    const sum = (/** @type {0 | 1} */ who) => scores.reduce((total, score) => total + score[who], 0);
    const row = (/** @type {string} */ name, /** @type {(string | number)[]} */ values) =>
      el("tr", {}, el("th", { scope: "row" }, name), ...values.map((value) => el("td", {}, String(value))));
    const line = (/** @type {0 | 1} */ who) => [...plan.map((_, k) => (scores[k] ? scores[k][who] : "–")), scores.length ? `${sum(who)} / ${12 * scores.length}` : "–"];
    table.replaceChildren(
      el("thead", {}, el("tr", {}, el("td", {}), ...[...plan.map(({ frame }) => t("step %(step)s", { step: number(reel.steps[frame]) })), t("in all")].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, row(t("you"), line(0)), row(t("the discriminator"), line(1)),
        ...(room ? [row(t("the class"), [...plan.map(({ cards: dealt }, k) => (scores[k] && tallies[k]?.visitors ? number(rightOf(dealt, tallies[k]), 1) : "–")), ""])] : []),
        row(t("a guess"), [6, 6, 6, scores.length ? `${6 * scores.length} / ${12 * scores.length}` : "–"])));
  }

  const heard = el("p", { class: "sentence", role: "status" });
  const code = el("img", { class: "code" });
  const door = el("a", {});
  const elsewhere = el("p", { class: "note" });
  const join = el("div", { class: "join" }, el("h2", {}, t("Play it with a class")), heard, code, el("p", {}, door), elsewhere);
  const view = el("div", {},
    el("p", { class: "question" }, t("Six of these twelve were generated. Which?")),
    title,
    el("div", { class: "game" },
      el("div", {}, cards, sentence, el("div", { class: "buttons" }, check, next, again)),
      el("div", {}, el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("Scores") }, table), room ? join : null)),
    el("p", { class: "task" }, t("People wrote the other six. The discriminator of that moment guesses, too: it takes the six with the lowest logits for generated, and D marks them. Everybody with this address gets the same twelve.")));  recall();
  deal();
  if (!room) return view;
  /** Often where the class looks: on the server's own screen, and on a projector. */
  const watch = () => {
    if (view.checkVisibility() && !document.hidden) look();
    const isHere = LOOPBACK.includes(location.hostname) || document.documentElement.classList.contains("large");
    setTimeout(watch, isHere ? LOOK.here : LOOK.there);
  };
  watch();
  return view;
}
