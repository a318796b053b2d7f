/** The gate microscope: what the networks would answer after every digit, and why. */

import { remember, remembered } from "./address.js";
import { questions } from "./ask.js";
import { cellPanel } from "./cell.js";
import { curves } from "./curves.js";
import { parseWires, touches, WHOLE } from "./cuts.js";
import { button, el, folding, labelled, number, percent, select, t } from "./dom.js";
import { compared, cutCosts, flows, GUESSES, habits, handedOn, onZeros, writing } from "./insight.js";
import { maps } from "./maps.js";
import { onlyNewest } from "./newest.js";
import { draw, parse } from "./palindromes.js";
import { isStill } from "./player.js";
import { MOST_ASKED, MOST_REPLACED, NUM_ASKED } from "./reading.js";
import { strips, titles, VANISHES, verdict } from "./strips.js";
import { cutTitle, wirePanel } from "./wires.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./cuts.js").Cut} Cut */
/** @typedef {{digits: number[], inside: Name, all: boolean, cut: Cut}} Question */

const NUM_TELLING = 12; // cells that are shown at first
const BELOW = /** @type {const} */ (["memory", "error", "cut"]);
const TRIED = 10; // palindromes, in search of one on which a network does what it does on most
const CUT_FROM = 8; // the ninth step, where cuts begin at first
const COMING_BACK = 1200; // milliseconds that the gradient takes from the last step to the first
const PATIENCE = 150; // milliseconds until what was read before is greyed out

/**
 * Whether the last answer is the first digit.
 * @param {import("./reading.js").Reading} reading
 * @param {number[]} digits
 */
const isRight = ({ answers }, digits) => answers[answers.length - 1] === digits[0];

/**
 * What the address says, or else the first example.
 * @param {import("./reading.js").Source} source
 */
function fromAddress(source) {
  const names = /** @type {Name[]} */ (Object.keys(source.networks));
  const given = parse(remembered("digits") ?? "");
  const digits = given?.length && given.length <= source.most ? given : source.first;
  const step = Number(remembered("step") ?? digits.length) - 1;
  return {
    digits,
    step: Number.isInteger(step) ? Math.min(Math.max(step, 0), digits.length - 1) : digits.length - 1,
    cell: Number(remembered("cell") ?? -1),
    inside: names.find((name) => name === remembered("network")) ?? names[0],
    all: remembered("cells") === "all",
    cut: {
      wires: parseWires(remembered("cut") ?? ""),
      from: Math.min(Math.max(Math.floor(Number(remembered("from"))) - 1 || CUT_FROM, 0), digits.length - 1),
    },
  };
}

/**
 * @param {import("./reading.js").Source} source
 * @returns {import("./frame.js").Part}
 */
export function microscope(source) {
  const names = /** @type {Name[]} */ (Object.keys(source.networks));
  const title = titles(source.networks);
  const state = fromAddress(source);
  /** @type {{digits: number[], cut: Cut, found: Record<string, import("./reading.js").Reading>} | null} */
  let read = null;
  /** Under the strips: what the memory holds, how the gradient comes back, or wires to cut. */
  let below = BELOW.find((name) => name === remembered("below")) ?? (state.cut.wires.length ? "cut" : "memory");
  /** @type {import("./maps.js").Shown} */
  let shown = { cells: {}, order: [], steps: 0 };
  let note = "";

  const rows = strips(source.networks, setStep);
  const pictures = maps(setStep, follow);
  const panel = cellPanel(follow);
  const wires = wirePanel(source, (chosen) => cutAt({ ...state.cut, wires: chosen }), (from) => cutAt({ ...state.cut, from }));
  const field = el("input", {
    type: "text", inputMode: "numeric", autocomplete: "off", spellcheck: false,
    value: state.digits.join(""), oninput: typed, "aria-describedby": "digits-message",
  });
  const message = el("p", { class: "message", role: "status", id: "digits-message" });
  const slider = el("input", {
    type: "range", min: "0", "aria-label": t("Step"), oninput: () => setStep(Number(slider.value)),
  });
  const about = el("p", { class: "verdict", role: "status" });
  const told = el("p", { class: "told" }); // of how the networks behave on these digits
  const costs = el("p", { class: "costs", role: "status" }); // of the cut
  const views = [
    button(t("What the memory holds"), () => showBelow("memory")),
    button(t("← Send the error back"), () => showBelow("error")),
    button(t("✂ Cut a wire"), () => showBelow("cut")),
  ];
  const cutting = el("div", { hidden: true }, wires.row, wires.view,
    el("p", { class: "note" }, t("f = 0: this gate stands still at 0. h ↛ f: this gate does not read h(t−1).")), wires.said, costs);
  const accuracy = curves(source, (length) => example(draw(length)));
  const tour = questions(asks);
  const memory = el("span", { class: "bars" });
  const inside = select(names.map((name) => [name, title[name]]), state.inside, (value) => {
    state.inside = /** @type {Name} */ (value);
    remember({ network: value, cell: "" });
    ask(question());
  });
  inside.setAttribute("aria-label", t("Network"));
  const all = el("input", { type: "checkbox", checked: state.all, onchange: () => {
    state.all = all.checked;
    remember({ cells: all.checked ? "all" : "" });
    ask(question());
  } });
  const results = el("div", { class: "results" },
    el("div", { class: "buttons" }, ...views),
    cutting,
    about,
    told,
    el("p", { class: "legend" },
      el("span", { class: "dot" }, t("it would say the first digit, which is right at the end")),
      el("span", { class: "plain" }, t("a digit: what it would say instead")),
      memory),
    el("p", { class: "task" }, t("A palindrome reads the same backwards. A network reads all its digits but the last, one at a time, and must say the last one, which is the first digit again. So it must still know the first digit at the end.")),
    folding(t("How far each gets: accuracy against T"), () => accuracy.show(), accuracy.view, el("p", {}, compared(source.networks))),
    folding(t("Inside"), () => { pictures.show(shown); if (read) showStep(); },
      el("div", { class: "heading" }, inside,
        el("label", { class: "check" }, all, t("all cells, not only the %(count)s that say most for the last answer", { count: NUM_TELLING }))),
      el("div", { class: "inside" }, pictures.view, panel.view)),
  );

  /** @returns {Question} */
  const question = () => ({ digits: state.digits, inside: state.inside, all: state.all, cut: state.cut });

  let timer = 0;
  const stale = () => view.classList.add("stale");
  const newest = onlyNewest(async (/** @type {Question} */ asked) => {
    const known = read?.digits === asked.digits && read.cut === asked.cut ? read.found : null;
    const found = known ?? await source.read(asked.digits, asked.cut);
    const { order } = found[asked.inside];
    const chosen = asked.all ? order : order.slice(0, NUM_TELLING);
    return { found, chosen, cells: await source.inside(asked.inside, asked.digits, chosen, asked.cut) };
  }, ({ found, chosen, cells }, { digits, cut }) => {
    const other = read?.digits !== digits || read.cut !== cut;
    read = { digits, cut, found };
    shown = { cells, order: chosen, steps: digits.length };
    if (!chosen.includes(state.cell)) state.cell = chosen[0];
    fresh();
    if (other) showReading();
    pictures.show(shown);
    showStep();
    if (!other) return;
    more({ digits, cut, slowly: false });
    accuracy.show(digits.length + 1);
    const length = digits.length + 1;
    if (digits.length > 2 && !cut.wires.length && length <= MOST_ASKED && !digits.slice(1).some(Boolean)) zeros(digits);
  }, (sentence) => {
    clearTimeout(timer);
    stale();
    message.textContent = sentence;
  });

  /** @param {Question} asked */
  function ask(asked) {
    clearTimeout(timer);
    timer = setTimeout(stale, PATIENCE);
    tour.look();
    newest(asked);
  }

  function fresh() {
    clearTimeout(timer);
    view.classList.remove("stale");
    message.textContent = "";
  }

  const remembers = onlyNewest(source.remembers, (found, digits) => {
    if (digits !== read?.digits || read.cut.wires.length) return;
    rows.memory(found);
    memory.style.visibility = "visible";
    showStep();
  }, () => {}); // what it holds is not shown then; the next reading says why

  const isRead = (/** @type {{digits: number[], cut: Cut}} */ asked) => asked.digits === read?.digits && asked.cut === read.cut;

  const comesBack = onlyNewest(
    async (/** @type {{digits: number[], cut: Cut, slowly: boolean}} */ { digits, cut }) => {
      const { found } = /** @type {NonNullable<typeof read>} */ (read);
      /** @type {Partial<Record<Name, Float32Array>>} */
      const kept = {};
      for (const name of names.filter((one) => !one.startsWith("rnn"))) {
        kept[name] = (await source.inside(name, digits, found[name].order.slice(0, NUM_TELLING), cut)).f;
      }
      return { norms: await source.gradient(digits, cut), kept };
    },
    ({ norms, kept }, asked) => {
      if (!isRead(asked) || below !== "error") return;
      told.textContent = `${flows(norms, asked.digits, /** @type {NonNullable<typeof read>} */ (read).found, source.networks)} ${handedOn(kept, NUM_TELLING, source.networks)}`;
      const last = asked.digits.length - 1;
      const began = performance.now();
      const frame = () => {
        if (!isRead(asked) || below !== "error") return;
        const share = asked.slowly && !isStill() ? (performance.now() - began) / COMING_BACK : 1;
        memory.style.visibility = "visible";
        rows.flow(norms, Math.max(0, Math.ceil(last * (1 - share))));
        if (share < 1) requestAnimationFrame(frame);
      };
      frame();
    }, (sentence) => { message.textContent = sentence; });

  /** How many other palindromes are right with the cut and without, and why. */
  const measure = onlyNewest(async (/** @type {{digits: number[], cut: Cut}} */ { digits, cut }) => {
    const names = /** @type {Name[]} */ (Object.keys(source.networks)).filter((name) => touches(name, cut.wires));
    const costs = [];
    for (const name of names) {
      const [before, after] = [await wires.share(name, []), await wires.share(name, cut.wires)];
      const { order } = /** @type {NonNullable<typeof read>} */ (read).found[name];
      const cells = order.slice(0, NUM_TELLING);
      const states = cut.wires.join() === "i0"
        ? [await source.inside(name, digits, cells, WHOLE), await source.inside(name, digits, cells, cut)] : [];
      costs.push({ name, before, after, states });
    }
    return costs;
  }, (found, { digits, cut }) => {
    if (!isRead({ digits, cut })) return;
    for (const { name, after } of found) rows.asked(name, cutCosts.short(after));
    const here = /** @type {NonNullable<typeof read>} */ (read).found;
    costs.textContent = found.flatMap(({ name, before, after, states }) => [
      cutCosts.long(name, cutTitle(cut.wires), before, after, source.networks),
      after <= GUESSES && isRight(here[name], digits) ? t("Here it happens to be right.") : "",
      states.length ? writing(states, digits.length, cut.from, Math.abs(after - before)) : "",
    ]).filter(Boolean).join(" ");
  }, (sentence) => { wires.said.textContent = sentence; });

  /** Ten first digits, each with zeros after it. */
  const zeros = onlyNewest(async (/** @type {number[]} */ digits) => {
    const all = [];
    for (let first = 0; first < 10; first++) all.push(await source.read([first, ...digits.slice(1)], WHOLE));
    return all;
  }, (found, digits) => {
    if (digits === read?.digits && !read.cut.wires.length && below !== "error") told.textContent = `${onZeros(found, source.networks)} ${told.textContent}`;
  }, () => {});

  /** @param {Cut} cut */
  function cutAt(cut) {
    state.cut = { ...cut, from: Math.min(cut.from, state.digits.length - 1) };
    remember({ cut: cut.wires.join(), from: cut.wires.length ? cut.from + 1 : "" });
    wires.show(state.cut, state.digits.length + 1);
    if (cut.wires.length || read?.cut.wires.length) ask(question());
  }

  /** @param {typeof BELOW[number]} chosen */
  function showBelow(chosen) {
    below = chosen;
    remember({ below: chosen === "memory" ? "" : chosen });
    tour.look();
    if (chosen === "memory" && state.cut.wires.length) return cutAt({ ...state.cut, wires: [] }); // whole again
    if (!read) return;
    showReading();
    showStep();
    more({ ...read, slowly: true });
  }

  /**
   * What takes longer than the answers.
   * @param {{digits: number[], cut: Cut, slowly: boolean}} asked
   */
  function more({ digits, cut, slowly }) {
    if (below === "error") comesBack({ digits, cut, slowly });
    else if (!cut.wires.length && digits.length <= MOST_REPLACED) remembers(digits);
    if (cut.wires.length && digits.length < MOST_ASKED) measure({ digits, cut });
  }

  /**
   * @param {number[]} digits
   * @param {number} step
   * @param {string} [said] what is special about them
   */
  function readDigits(digits, step, said = "") {
    note = said;
    state.digits = digits;
    state.step = step;
    state.cut = { ...state.cut, from: Math.min(state.cut.from, digits.length - 1) };
    if (parse(field.value)?.join("") !== digits.join("")) field.value = digits.join("");
    ask(question());
  }

  function typed() {
    const digits = parse(field.value);
    const refused = !digits
      ? t("Only the digits 0 to 9, please. Below is still what was read before.")
      : !digits.length
        ? t("Type a digit or more. Below is still what was read before.")
        : digits.length > source.most
          ? t("At most %(most)s digits, please; these are %(count)s.", { most: number(source.most), count: number(digits.length) })
          : "";
    message.textContent = refused;
    field.setAttribute("aria-invalid", String(Boolean(refused)));
    if (!digits || refused) return stale();
    remember({ digits: digits.join(""), step: "", cell: "" });
    readDigits(digits, digits.length - 1);
  }

  function showReading() {
    const { digits, cut, found } = /** @type {NonNullable<typeof read>} */ (read);
    slider.max = String(digits.length - 1);
    rows.show(digits, found);
    rows.cut(cut);
    wires.show(cut, digits.length + 1);
    cutting.hidden = below !== "cut";
    const severed = names.filter((name) => touches(name, cut.wires)).map((name) => title[name]).join(t(" and "));
    about.textContent = [note, verdict(digits), severed
      ? t("Cut in %(networks)s: %(cut)s from step %(step)s on. So are the answers above, and the gradient.", { networks: severed, cut: cutTitle(cut.wires), step: cut.from + 1 })
      : ""].filter(Boolean).join(" ");
    costs.textContent = "";
    told.textContent = cut.wires.length || below === "error" ? "" : habits(digits, found, source.networks).join(" ");
    views.forEach((view, k) => view.setAttribute("aria-pressed", String(below === BELOW[k])));
    const quiet = below !== "error" && (digits.length > MOST_REPLACED || cut.wires.length > 0);
    memory.textContent = below === "error"
      ? t("bar: the gradient of the loss with respect to the memory (c of an LSTM, h of an RNN) after each step, as a share of what sets out at the last; from line to line a factor of 1,000")
      : cut.wires.length ? t("what the memory holds of each digit is shown while no wire is cut")
      : quiet ? t("what the memory holds of each digit is shown up to %(most)s digits", { most: MOST_REPLACED })
      : t("bar: how far the memory (c of an LSTM, h of an RNN) moves at the chosen step if that digit is replaced; full height: by its own length, with a purple top: further");
    memory.style.visibility = quiet ? "visible" : "hidden"; // the bars are on their way
    memory.className = `bars ${quiet ? "quiet" : below === "error" ? below : ""}`;
  }

  /** @param {number} step */
  function setStep(step) {
    if (!read) return;
    state.step = Math.min(Math.max(step, 0), read.digits.length - 1);
    remember({ step: state.step + 1 });
    showStep();
  }

  /** @param {number} cell */
  function follow(cell) {
    state.cell = cell;
    remember({ cell });
    showStep();
  }

  function showStep() {
    const { digits } = /** @type {NonNullable<typeof read>} */ (read);
    const { cell } = state;
    const step = Math.min(state.step, digits.length - 1); // others may be on their way
    slider.value = String(step);
    rows.step(step);
    pictures.mark(step, cell);
    const values = { step: step + 1, digit: digits[step], first: digits[0], said: rows.said() };
    slider.setAttribute("aria-valuetext", t("step %(step)s, digit %(digit)s", values));
    const unsaid = below === "error" ? "" : rows.unsaid().join(t(" and ")); // it speaks of bars
    panel.show([
      t("After step %(step)s, digit %(digit)s (the first was %(first)s): %(said)s.", values),
      unsaid ? t("A trace without an answer: with another first digit the memory of %(networks)s would be another (its first bar is high), yet it does not say that digit.", { networks: unsaid }) : "",
    ].join(" "), shown, step, cell);
  }

  /**
   * @param {number[]} digits
   * @param {number} [step]
   * @param {string} [said]
   */
  function example(digits, step = digits.length - 1, said = "") {
    remember({ digits: digits.join(""), step: step + 1, cell: "" }, true);
    field.removeAttribute("aria-invalid");
    readDigits(digits, step, said);
  }
  /** At the chosen step, or in the middle; the networks read on from there. */
  function change() {
    const { digits, step } = state;
    const at = step === digits.length - 1 ? Math.floor(digits.length / 2) : step;
    const value = (digits[at] + 1) % 10;
    example(digits.map((digit, k) => (k === at ? value : digit)), at,
      t("Digit %(place)s was %(before)s and is %(after)s now.", { place: at + 1, before: digits[at], after: value }));
  }

  /** What the reader is asked first; each answer is measured when it is asked for. */
  function asks() {
    const { lstm_plain: plain } = source.networks;
    const amounts = [t("nearly all"), t("some"), t("hardly more than a guess")];
    const amount = (/** @type {number} */ share) => (share >= 0.9 ? 0 : share <= 0.2 ? 2 : 1);
    const longer = 60;
    const length = Math.min(36, source.most + 1);
    const asked = source.networks.lstm_mine ? "lstm_mine" : "lstm"; // whose wires are cut
    const own = source.networks[asked]?.whose ? source.networks[asked]?.config.length : null;
    const at = own > 2 && own <= MOST_ASKED ? own : length;
    const from = Math.min(CUT_FROM, Math.floor(at / 2));
    /** A sentence that stands as long as the screen shows what it shows now. @param {() => string} say */
    const ofNow = (say) => {
      const shows = () => [state.digits.join(""), state.cut.wires, state.cut.wires.length && state.cut.from, below].join(" ");
      const now = shows();
      return () => (shows() === now ? say() : "");
    };
    /**
     * Shows other palindromes until a network does with one what it does with most.
     * @param {Name} name
     * @param {number} T
     * @param {number} share that are right
     * @param {() => string} because
     * @param {() => string} say
     */
    const typical = async (name, T, share, because, say) => {
      for (let k = 0; k < TRIED && because(); k++) {
        const found = await source.read(state.digits, state.cut);
        if (!because() || isRight(found[name], state.digits) === share > 0.5) break;
        example(draw(T));
        because = ofNow(say);
      }
      return because;
    };
    const cutting = (/** @type {import("./cuts.js").Wire[]} */ chosen, /** @type {string} */ text, /** @type {string} */ why) => ({
      text, choices: amounts,
      act: async () => {
        let said = "";
        example(draw(at));
        showBelow("cut");
        cutAt({ wires: chosen, from });
        const because = ofNow(() => said);
        const [before, after] = [await wires.share(asked, []), await wires.share(asked, chosen)];
        said = `${cutCosts.long(asked, cutTitle(chosen), before, after, source.networks)} ${why}`;
        return { right: amount(after), because: await typical(asked, at, after, because, () => said) };
      },
    });
    /** @type {import("./ask.js").Step[]} */
    const steps = [];
    if (plain?.config.length < longer && asked === "lstm") steps.push({
      text: t("The plain LSTM was trained at T = %(length)s only. How many palindromes of T = %(longer)s does it complete?", { length: plain?.config.length, longer }),
      choices: amounts,
      act: async () => {
        showBelow("memory");
        cutAt({ ...state.cut, wires: [] });
        example(draw(longer));
        let said = "";
        const because = ofNow(() => said);
        const [own, other] = [await source.accuracy("lstm_plain", plain?.config.length, WHOLE), await source.accuracy("lstm_plain", longer, WHOLE)];
        const shares = t("Of %(count)s palindromes it completes %(own)s at T = %(length)s and %(other)s at T = %(longer)s.", {
          count: NUM_ASKED, own: percent(own), other: percent(other), length: plain?.config.length, longer,
        });
        said = shares;
        const shown = await typical("lstm_plain", longer, other, because, () => said);
        const why = shown() ? habits(state.digits, await source.read(state.digits, WHOLE), { lstm_plain: plain }) : [];
        said = [shares, ...why.length ? why : [t("Look at its strip: where does it say the first digit?")]].join(" ");
        return { right: amount(other), because: shown };
      },
    });
    if (source.networks[asked]) steps.push(
      cutting(["f0"], t("From step %(step)s on %(network)s forgets: f = 0. How many palindromes of T = %(length)s does it still complete?", { step: from + 1, network: title[asked], length: at }),
        t("With f = 0 equation (5) is c(t) = g × i: whatever is known of the first digit has to come round through h at every step.")),
      cutting(["i0"], t("From step %(step)s on nothing is written into its cell: i = 0. How many does it complete now?", { step: from + 1 }),
        t("With i = 0 equation (5) is c(t) = c(t−1) × f: it can only keep. Below the buttons stands what it does when nothing is cut.")));
    if (names.some((name) => name.startsWith("rnn")) && names.some((name) => name.startsWith("lstm"))) steps.push({
      text: t("The loss sends its gradient from the last step back to step 1. Where does it vanish on the way?"),
      choices: [t("in LSTMs only"), t("in RNNs only"), t("in some of both"), t("in none")],
      act: async () => {
        const digits = draw(length);
        const norms = await source.gradient(digits, WHOLE);
        const kinds = Object.keys(norms)
          .filter((name) => norms[name][0] < VANISHES * norms[name][digits.length - 1]).map((name) => Number(name.startsWith("rnn")));
        cutAt({ ...state.cut, wires: [] });
        example(digits);
        showBelow("error");
        let said = "";
        const because = ofNow(() => said);
        comesBack({ digits, cut: state.cut, slowly: true });
        said = flows(norms, digits, await source.read(digits, WHOLE), source.networks);
        return { right: !kinds.length ? 3 : new Set(kinds).size > 1 ? 2 : kinds[0], because };
      },
    });
    return steps;
  }

  const view = el("div", { class: "microscope" },
    tour.view,
    el("div", { class: "results" }, rows.view),
    el("div", { class: "scrub" }, slider),
    el("div", { class: "controls" },
      labelled(t("Digits to read: a palindrome without its last digit"), field),
      el("div", { class: "buttons" },
        ...[9, 20, 36, 1000].map((length) => button(`T = ${number(length)}`, () => example(draw(length)))),
        button(t("zeros after the first"), () => example(state.digits.map((digit, k) => (k ? 0 : digit || 7)))),
        button(t("change one digit"), change)),
    ),
    message,
    results,
  );
  return {
    view,
    show: () => {
      if (!read) return ask(question());
      rows.resize();
      accuracy.show();
      pictures.show(shown);
      showStep();
    },
  };
}
