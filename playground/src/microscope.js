/** The gate microscope: what the networks would answer after every digit, and why. */

import { owner, visit } from "./address.js";
import { cellPanel } from "./cell.js";
import { counting } from "./costs.js";
import { curves } from "./curves.js";
import { parseWires, toggled, touches, WHOLE } from "./cuts.js";
import { button, closed, el, isClosed, labelled, number, select, t } from "./dom.js";
import { findings } from "./findings.js";
import { because, compared, cutCosts, flows, GUESSES, habits, handedOn, onZeros, writing } from "./insight.js";
import { maps } from "./maps.js";
import { breathe, onlyNewest } from "./newest.js";
import { brokenMirror, draw, parse } from "./palindromes.js";
import { isStill } from "./player.js";
import { MOST_ASKED, MOST_REPLACED, NUM_ASKED } from "./reading.js";
import { strips, titles, verdict } from "./strips.js";
import { defined } from "./words.js";
import { cutTitle, kindOf, workbench } from "./workbench.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {import("./cuts.js").Cut} Cut */
/** @typedef {{digits: number[], inside: Name, all: boolean, cut: Cut}} Question */

const NUM_TELLING = 12; // cells that are shown at first
const CUT_FROM = 8; // the ninth step, where cuts begin at first
const COMING_BACK = 1200; // milliseconds that the gradient takes from the last step to the first
const PATIENCE = 150; // milliseconds until what was read before is greyed out

const { remember, remembered } = owner("gates", ["digits", "step", "unit", "network", "units", "cut", "since", "below"]);

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
    cell: Number(remembered("unit") ?? -1),
    isUnit: remembered("unit") !== null,
    inside: names.find((name) => name === remembered("network")) ?? names[0],
    all: remembered("units") === "all",
    cut: {
      wires: parseWires(remembered("cut") ?? ""),
      from: Math.min(Math.max(Math.floor(Number(remembered("since"))) - 1 || CUT_FROM, 0), digits.length - 1),
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
  /** How much of the gradient is left after each step, while it is sent back, and where it has come to. */
  let sent = { isOn: remembered("below") === "error", norms: /** @type {Record<string, number[]> | null} */ (null), arrived: 0 };
  /** @type {import("./maps.js").Shown} */
  let shown = { cells: {}, order: [], steps: 0 };
  let note = "";
  let drawn = state.inside; // the network that the drawing shows

  const counts = counting(source);
  const bench = workbench(source, {
    step: setStep, toggle: (wire) => cutAt({ ...state.cut, wires: toggled(state.cut.wires, wire) }),
    mend: () => cutAt({ ...state.cut, wires: [] }), from: (from) => cutAt({ ...state.cut, from }),
    kind: choose, unit: (unit) => (unit === null ? unfollow() : follow(unit)), error: () => showError(!sent.isOn),
    born: () => visit({ tab: "learn", T: 8, forget: "zero", hidden: 32, rate: 0.03, run: 1 }),
  });
  const rows = strips(source.networks, setStep);
  const pictures = maps(setStep, follow);
  const panel = cellPanel(follow);
  const field = el("input", {
    type: "text", inputMode: "numeric", autocomplete: "off", spellcheck: false,
    value: state.digits.join(""), oninput: typed, "aria-describedby": "digits-message",
  });
  const message = el("p", { class: "message", role: "status", id: "digits-message" });
  const about = el("p", { class: "verdict", role: "status" });
  const told = el("p", { class: "told" }); // of how the networks behave on these digits
  const trace = el("p", { class: "told", role: "status" }); // of what a memory holds and does not say
  const accuracy = curves(source, (length) => example(draw(length)));
  const memory = el("span", { class: "bars" });
  const inside = select(names.map((name) => [name, title[name]]), state.inside, (value) => choose(/** @type {Name} */ (value)));
  inside.setAttribute("aria-label", t("Network"));
  const all = el("input", { type: "checkbox", checked: state.all, onchange: () => {
    state.all = all.checked;
    remember({ units: all.checked ? "all" : "" });
    ask(question());
  } });
  const curvesBelow = closed(t("How far each gets: accuracy against T"), () => accuracy.show(), accuracy.view, el("p", {}, compared(source.networks)));
  const results = el("div", { class: "results" },
    closed(t("What all of them would answer after every step"), () => { rows.resize(); askMemories(); }, about, rows.view, trace, told,
      el("p", { class: "legend" },
        el("span", { class: "dot" }, t("it would say the first digit, the right answer at the end")),
        el("span", { class: "plain" }, t("a digit: it would say this instead")),
        memory)),
    curvesBelow,
    closed(t("Every unit at every step"), () => { pictures.show(shown); if (read) showStep(); },
      el("div", { class: "heading" }, inside,
        el("label", { class: "check" }, all, t("all units, not only the %(count)s that contribute most to the last answer", { count: NUM_TELLING }))),
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
  }, ({ found, chosen, cells }, { digits, cut, inside }) => {
    const other = read?.digits !== digits || read.cut !== cut || kindOf(drawn) !== kindOf(inside);
    drawn = inside;
    sent.norms = isRead({ digits, cut }) ? sent.norms : null; // they are those of what was read before
    read = { digits, cut, found };
    shown = { cells, order: chosen, steps: digits.length };
    if (!chosen.includes(state.cell)) [state.cell, state.isUnit] = [chosen[0], false];
    fresh();
    showBench();
    if (other) showReading();
    pictures.show(shown);
    showStep();
    if (!other) return;
    void more({ digits, cut, slowly: false });
    accuracy.show(digits.length + 1);
    if (digits.length > 2 && !cut.wires.length && digits.length < MOST_ASKED && !digits.slice(1).some(Boolean)) zeros(digits);
  }, (sentence) => {
    clearTimeout(timer);
    stale();
    message.textContent = sentence;
  });

  /** @param {Question} asked */
  function ask(asked) {
    clearTimeout(timer);
    timer = setTimeout(stale, PATIENCE);
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

  /** What the memories hold of the digits; where nobody looks at it, it is not computed. */
  function askMemories() {
    if (!read || sent.isOn || read.cut.wires.length || read.digits.length > MOST_REPLACED || isClosed(rows.view)) return;
    remembers(read.digits);
  }

  /** The networks that are drawn. */
  const both = () => names.filter((name) => kindOf(name) === kindOf(state.inside));
  const networksOf = (/** @type {Name[]} */ some) => Object.fromEntries(some.map((name) => [name, source.networks[name]]));

  const isRead = (/** @type {{digits: number[], cut: Cut}} */ asked) => asked.digits === read?.digits && asked.cut === read.cut;

  const comesBack = onlyNewest(
    async (/** @type {{digits: number[], cut: Cut, slowly: boolean}} */ { digits, cut }) => {
      /** @type {Partial<Record<Name, Float32Array>>} */
      const kept = {};
      for (const name of both().filter((drawnNow) => !drawnNow.startsWith("rnn"))) {
        kept[name] = (await source.inside(name, digits, /** @type {NonNullable<typeof read>} */ (read).found[name].order.slice(0, NUM_TELLING), cut)).f;
      }
      return { norms: await source.gradient(digits, cut), kept };
    },
    ({ norms, kept }, asked) => {
      if (!isRead(asked) || !sent.isOn) return;
      bench.because(`${flows(norms, asked.digits, /** @type {NonNullable<typeof read>} */ (read).found, networksOf(both()))} ${handedOn(kept, NUM_TELLING, source.networks, asked.cut)}`);
      const began = performance.now();
      sent.norms = norms;
      const frame = () => {
        if (!isRead(asked) || !sent.isOn) return;
        const share = asked.slowly && !isStill() ? (performance.now() - began) / COMING_BACK : 1;
        memory.style.visibility = "visible";
        sent.arrived = Math.max(0, Math.ceil((asked.digits.length - 1) * (1 - share)));
        rows.flow(norms, sent.arrived);
        setStep(sent.arrived);
        if (share < 1) requestAnimationFrame(frame);
      };
      frame();
    }, (sentence) => { message.textContent = sentence; });

  let turn = 0; // of counting
  /**
   * How many other palindromes are right with the cut and without, and why.
   * @param {{digits: number[], cut: Cut}} asked
   * @param {number} mine turn
   */
  async function measure({ digits, cut }, mine) {
    const length = digits.length + 1;
    try {
      for (const name of [...new Set([...both(), ...names])].filter((cutIn) => touches(cutIn, cut.wires))) {
        const shares = [];
        for (const [k, wanted] of [cut, WHOLE].entries()) {
          const { right, asked } = await counts.count(name, length, wanted, (count) => {
            if (mine === turn && kindOf(name) === kindOf(state.inside)) bench.count(`${name}-${k}`, sceneOf(name, length, wanted), count);
            return mine === turn && view.isConnected;
          });
          if (mine !== turn) return;
          shares.push(right / asked);
        }
        await conclude(name, { digits, cut }, shares, mine);
      }
    } catch (error) {
      message.textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * What the counts of one network say.
   * @param {Name} name
   * @param {{digits: number[], cut: Cut}} asked
   * @param {number[]} shares with the cut and without
   * @param {number} mine turn
   */
  async function conclude(name, { digits, cut }, [after, before], mine) {
    const cells = read?.found[name].order.slice(0, NUM_TELLING) ?? [];
    const states = cut.wires.join() === "i0"
      ? [await source.inside(name, digits, cells, WHOLE), await source.inside(name, digits, cells, cut)] : [];
    if (mine !== turn || !read) return;
    rows.asked(name, cutCosts.short(after));
    if (kindOf(name) !== kindOf(state.inside)) return;
    bench.because([
      cutCosts.long(name, cutTitle(cut.wires), before, after, source.networks),
      after <= GUESSES && isRight(read.found[name], digits) ? t("On these digits it happens to be right.") : "",
      because(name, cut, before, after, source.networks),
      states.length ? writing(states, digits.length, cut.from, Math.abs(after - before)) : "",
    ].filter(Boolean).join(" "));
  }

  /** Network, T and cut, as each number names them. @param {Name} name @param {number} length @param {Cut} cut */
  const sceneOf = (name, length, cut) => {
    const values = { network: title[name], length: number(length), cut: cutTitle(cut.wires.filter((wire) => (wire === "hh") === name.startsWith("rnn"))), step: number(cut.from + 1) };
    return touches(name, cut.wires) ? t("%(network)s, T = %(length)s, %(cut)s from step %(step)s on:", values) : t("%(network)s, T = %(length)s, nothing cut:", values);
  };

  /** Ten first digits, each with zeros after it. */
  const zeros = onlyNewest(async (/** @type {number[]} */ digits) => {
    const all = [];
    for (let first = 0; first < 10; first++) all.push(await source.read([first, ...digits.slice(1)], WHOLE));
    return all;
  }, (found, digits) => {
    if (digits === read?.digits && !read.cut.wires.length && !sent.isOn) told.textContent = `${onZeros(found, source.networks)} ${told.textContent}`;
  }, () => {});

  /** @param {Cut} cut */
  function cutAt(cut) {
    state.cut = { ...cut, from: Math.min(cut.from, state.digits.length - 1) };
    remember({ cut: cut.wires.join(), since: cut.wires.length ? cut.from + 1 : "" });
    if (cut.wires.length || read?.cut.wires.length) ask(question());
  }

  /** Another network is looked into. @param {Name} name */
  function choose(name) {
    Object.assign(state, { inside: name, isUnit: false });
    inside.value = name;
    remember({ network: name, unit: "" });
    ask(question());
  }

  /** @param {boolean} isOn */
  function showError(isOn) {
    sent = { isOn, norms: null, arrived: 0 };
    remember({ below: isOn ? "error" : "" });
    if (!read) return;
    if (!isOn) setStep(state.digits.length - 1);
    showBench();
    showReading();
    showStep();
    void more({ ...read, slowly: true });
  }

  /**
   * What takes longer than the answers, which the browser draws before.
   * @param {{digits: number[], cut: Cut, slowly: boolean}} asked
   */
  async function more({ digits, cut, slowly }) {
    const mine = ++turn;
    await breathe();
    if (mine !== turn) return;
    if (sent.isOn) comesBack({ digits, cut, slowly });
    else askMemories();
    if (!sent.isOn && cut.wires.length && digits.length < MOST_ASKED) void measure({ digits, cut }, mine);
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
      ? t("Only the digits 0 to 9, please. The page still shows what was read before.")
      : !digits.length
        ? t("Type a digit or more. The page still shows what was read before.")
        : digits.length > source.most
          ? t("At most %(most)s digits, please; these are %(count)s.", { most: number(source.most), count: number(digits.length) })
          : "";
    message.textContent = refused;
    field.setAttribute("aria-invalid", String(Boolean(refused)));
    if (!digits || refused) return stale();
    remember({ digits: digits.join(""), step: "", unit: "" });
    readDigits(digits, digits.length - 1);
  }

  /** What the drawing offers, and what follows on the digits that are shown. */
  function showBench() {
    const { digits, cut, found } = /** @type {NonNullable<typeof read>} */ (read);
    const { inside, cell, isUnit } = state;
    const length = digits.length + 1;
    bench.choose({
      inside, unit: isUnit ? cell : null, order: shown.order, size: /** @type {import("./reading.js").Described} */ (source.networks[inside]).hidden_size,
      length, isError: sent.isOn,
    });
    const shownNow = both();
    const says = shownNow.map((name) => {
      const { answers } = found[name];
      const values = { network: title[name], answer: answers[answers.length - 1] };
      return isRight(found[name], digits) ? t("%(network)s says %(answer)s ✓", values) : t("%(network)s says %(answer)s ✗", values);
    });
    bench.follow({
      name: shownNow.some((name) => touches(name, cut.wires)) ? shownNow.filter((name) => touches(name, cut.wires)).map((name) => sceneOf(name, length, cut).replace(/[:：]$/, "")).join(t("; "))
        : t("T = %(length)s, nothing is cut", { length: number(length) }),
      cut, text: [note, brokenMirror(digits) < 0 ? t("Right is the first digit, %(first)s.", { first: digits[0] }) : verdict(digits), `${says.join(t("; "))}${t(".")}`,
        kindOf(inside) !== "_plain" && found.rnn_plain && brokenMirror(digits) < 0 && !isRight(found.rnn_plain, digits) ? t("Press plain above: the plain RNN fails on these digits.") : ""].filter(Boolean).join(" "),
      because: cut.wires.length && length > MOST_ASKED ? t("Up to T = %(most)s, %(count)s other palindromes are asked as well.", { most: MOST_ASKED, count: NUM_ASKED })
        : cut.wires.length ? t("A moment: other palindromes are asked.") : [t("Press a wire ✂ or a value such as f = 0: the result appears here."), ...habits(digits, found, networksOf(shownNow))].join(" "),
    });
  }

  function showReading() {
    const { digits, cut, found } = /** @type {NonNullable<typeof read>} */ (read);
    rows.show(digits, found);
    rows.cut(cut);
    if (sent.isOn && sent.norms) rows.flow(sent.norms, sent.arrived);
    const severed = names.filter((name) => touches(name, cut.wires)).map((name) => title[name]).join(t(" and "));
    about.textContent = [note, verdict(digits), severed
      ? t("Cut in %(networks)s: %(cut)s from step %(step)s on. The answers and the gradient are those with the cut.", { networks: severed, cut: cutTitle(cut.wires), step: number(cut.from + 1) })
      : ""].filter(Boolean).join(" ");
    told.textContent = cut.wires.length || sent.isOn ? "" : habits(digits, found, source.networks).join(" ");
    const quiet = !sent.isOn && (digits.length > MOST_REPLACED || cut.wires.length > 0);
    memory.textContent = sent.isOn
      ? t("bar: the gradient of the loss with respect to the memory (c of an LSTM, h of an RNN) after each step, as a fraction of the last step's; from line to line a factor of 1,000")
      : cut.wires.length ? t("bars show what the memory holds of each digit while no wire is cut")
      : quiet ? t("up to %(most)s digits, bars show what the memory holds of each digit", { most: MOST_REPLACED })
      : t("bar: how far the memory (c of an LSTM, h of an RNN) moves at the chosen step if that digit is replaced; full height: by its own length; purple top: further");
    memory.style.visibility = quiet ? "visible" : "hidden"; // the bars are on their way
    memory.className = `bars ${quiet ? "quiet" : sent.isOn ? "error" : ""}`;
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
    Object.assign(state, { cell, isUnit: true });
    remember({ unit: cell });
    showBench();
    showStep();
  }

  /** The mean of all units is drawn again. */
  function unfollow() {
    state.isUnit = false;
    remember({ unit: "" });
    showBench();
    showStep();
  }

  function showStep() {
    const { digits, found, cut } = /** @type {NonNullable<typeof read>} */ (read);
    const { cell, inside } = state;
    const step = Math.min(state.step, digits.length - 1); // others may be on their way
    bench.player.put(step);
    const { norms } = sent;
    bench.show({
      digits, step, found, inside, unit: state.isUnit ? cell : null, shown, cut,
      sent: norms && Object.fromEntries(names.map((name) => [name, norms[name][step] / norms[name][digits.length - 1]])),
    });
    rows.step(step);
    pictures.mark(step, cell);
    const values = { step: number(step + 1), digit: digits[step], first: digits[0], said: rows.said() };
    bench.player.slider.setAttribute("aria-valuetext", t("step %(step)s, digit %(digit)s", values));
    const unsaid = sent.isOn ? "" : rows.unsaid().join(t(" and ")); // it speaks of bars
    trace.textContent = unsaid ? t("It remembers but cannot say it: another first digit changes the memory of %(networks)s (the first bar is high), and the answer is still another digit.", { networks: unsaid }) : "";
    panel.show(t("After step %(step)s, digit %(digit)s (the first was %(first)s): %(said)s.", values), shown, step, cell);
  }

  /**
   * @param {number[]} digits
   * @param {number} [step]
   * @param {string} [said]
   */
  function example(digits, step = digits.length - 1, said = "") {
    remember({ digits: digits.join(""), step: step + 1, unit: "" }, true);
    state.isUnit = false;
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

  /**
   * Show what a finding speaks of.
   * @param {Name} name @param {Cut} cut @param {boolean} isError @param {number} length T
   */
  function present(name, cut, isError, length) {
    Object.assign(state, { inside: name, cut });
    inside.value = name;
    remember({ network: name, cut: cut.wires.join(), since: cut.wires.length ? cut.from + 1 : "", below: isError ? "error" : "" });
    sent = { isOn: isError, norms: null, arrived: 0 };
    example(draw(length));
    view.scrollIntoView({ behavior: isStill() ? "auto" : "smooth" });
  }

  const view = el("div", { class: "microscope" },
    el("p", { class: "question" }, ...defined(t("The networks read a palindrome up to its last digit and have to say that digit. It is the same as the first."))),
    el("div", { class: "controls" },
      labelled(t("Digits to read (a palindrome's last digit is left out)"), field),
      el("div", { class: "buttons" },
        el("span", { class: "with" }, ...defined(t("another of length {T|T}:"))), ...[9, 20, 36, 1000].map((length) => button(`T = ${number(length)}`, () => example(draw(length)))),
        button(t("zeros after the first"), () => example(state.digits.map((digit, k) => (k ? 0 : digit || 7)))),
        button(t("change one digit"), change))),
    message,
    el("div", { class: "results" }, bench.view),
    findings(source, { present, curves: () => { curvesBelow.open = true; curvesBelow.scrollIntoView(); } }),
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
