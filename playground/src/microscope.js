/** The gate microscope: what the networks would answer after every digit, and why. */

import { remember, remembered } from "./address.js";
import { cellPanel } from "./cell.js";
import { button, el, labelled, number, select, t } from "./dom.js";
import { compared, habits } from "./insight.js";
import { maps } from "./maps.js";
import { onlyNewest } from "./newest.js";
import { draw, parse } from "./palindromes.js";
import { MOST_REPLACED } from "./reading.js";
import { strips, titles, verdict } from "./strips.js";

/** @typedef {import("./reading.js").Name} Name */
/** @typedef {{digits: number[], step: number, inside: Name, all: boolean}} Question */

const NUM_TELLING = 12; // cells that are shown at first
const PATIENCE = 150; // milliseconds until what was read before is greyed out

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
  };
}

/**
 * @param {import("./reading.js").Source} source
 * @returns {import("./frame.js").Part}
 */
export function microscope(source) {
  const names = /** @type {Name[]} */ (Object.keys(source.networks));
  const state = fromAddress(source);
  /** @type {{digits: number[], found: Record<string, import("./reading.js").Reading>} | null} */
  let read = null;
  /** @type {import("./maps.js").Shown} */
  let shown = { cells: {}, order: [], steps: 0 };
  let note = "";

  const rows = strips(source.networks, setStep);
  const pictures = maps(setStep, follow);
  const panel = cellPanel(follow);
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
  const memory = el("span", { class: "bars" });
  const inside = select(names.map((name) => [name, titles()[name]]), state.inside, (value) => {
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
    rows.view,
    el("div", { class: "scrub" }, slider),
    el("p", { class: "legend" },
      el("span", { class: "dot" }, t("it would say the first digit, which is right at the end")),
      el("span", { class: "plain" }, t("a digit: what it would say instead")),
      memory),
    about,
    told,
    el("div", { class: "heading" }, el("h2", {}, t("Inside")), inside,
      el("label", { class: "check" }, all, t("all cells, not only the %(count)s that say most for the last answer", { count: NUM_TELLING }))),
    el("div", { class: "inside" }, pictures.view, panel.view),
  );

  /** @returns {Question} */
  const question = () => ({ digits: state.digits, step: state.step, inside: state.inside, all: state.all });

  let timer = 0;
  const stale = () => results.classList.add("stale");
  const newest = onlyNewest(async (/** @type {Question} */ asked) => {
    const known = read?.digits === asked.digits ? read.found : null;
    const found = known ?? await source.read(asked.digits);
    const { order } = found[asked.inside];
    const chosen = asked.all ? order : order.slice(0, NUM_TELLING);
    return { found, chosen, cells: await source.inside(asked.inside, asked.digits, chosen) };
  }, ({ found, chosen, cells }, { digits, step }) => {
    const other = read?.digits !== digits;
    read = { digits, found };
    shown = { cells, order: chosen, steps: digits.length };
    if (!chosen.includes(state.cell)) state.cell = chosen[0];
    if (other) state.step = step; // else the reader may have moved on meanwhile
    fresh();
    if (other) showReading();
    pictures.show(shown);
    showStep();
    if (other && digits.length <= MOST_REPLACED) remembers(digits);
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
    results.classList.remove("stale");
    message.textContent = "";
  }

  const remembers = onlyNewest(source.remembers, (found, digits) => {
    if (digits !== read?.digits) return;
    rows.memory(found);
    showStep();
  }, () => {}); // what it holds is not shown then; the next reading says why

  /**
   * @param {number[]} digits
   * @param {number} step
   * @param {string} [said] what is special about them
   */
  function readDigits(digits, step, said = "") {
    note = said;
    state.digits = digits;
    if (parse(field.value)?.join("") !== digits.join("")) field.value = digits.join("");
    ask({ ...question(), digits, step });
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
    const { digits, found } = /** @type {NonNullable<typeof read>} */ (read);
    slider.max = String(digits.length - 1);
    rows.show(digits, found);
    about.textContent = `${note ? `${note} ` : ""}${verdict(digits)}`;
    told.textContent = [...habits(digits, found, source.networks), compared(source.networks)].join(" ");
    memory.textContent = digits.length <= MOST_REPLACED
      ? t("bar: how far the memory (c of an LSTM, h of an RNN) moves at the chosen step if that digit is replaced; full height: by its own length, with a purple top: further")
      : t("what the memory holds of each digit is shown up to %(most)s digits", { most: MOST_REPLACED });
    memory.classList.toggle("quiet", digits.length > MOST_REPLACED);
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
    const { step, cell } = state;
    slider.value = String(step);
    rows.step(step);
    pictures.mark(step, cell);
    const values = { step: step + 1, digit: digits[step], first: digits[0], said: rows.said() };
    slider.setAttribute("aria-valuetext", t("step %(step)s, digit %(digit)s", values));
    const unsaid = rows.unsaid().join(t(" and "));
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

  const view = el("div", { class: "microscope" },
    el("p", { class: "task" }, t("A palindrome reads the same backwards. A network reads all its digits but the last, one at a time, and must say the last one, which is the first digit again: it has to hold the first digit to the end.")),
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
      pictures.show(shown);
      showStep();
    },
  };
}
