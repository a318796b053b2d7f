/** The maps of a network's gates and states: a row for each cell, a column for each step. */

import { colour, drawMatrix, el, isClosed, number, prepare, t } from "./dom.js";

/** @typedef {import("./recurrent.js").StateName} StateName */
/** @typedef {"signed" | "i" | "f" | "o"} Kind of colours: each gate has its own */

const MAX_COLUMNS = 1000; // of a picture; of more steps each column is a mean
const LINE = 40; // height of the followed cell's line

/**
 * Title, the kind of its colours, lowest and highest value.
 * @param {Float32Array} [c] the cell has no bounds: it can add up
 */
const MAPS = (c = Float32Array.of(0)) =>
  /** @type {Record<StateName, [string, Kind, number, number]>} */ ({
    g: [t("g, input modulation (1)"), "signed", -1, 1],
    i: [t("i, input gate (2)"), "i", 0, 1],
    f: [t("f, forget gate (3)"), "f", 0, 1],
    o: [t("o, output gate (4)"), "o", 0, 1],
    c: [t("c, cell state (5)"), "signed", -bound(c), bound(c)],
    h: [t("h, hidden state (6)"), "signed", -1, 1],
  });

/** @param {Float32Array} values */
const bound = (values) => Math.max(1, Math.ceil(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));

/**
 * @typedef {{cells: import("./reading.js").Cells, order: number[], steps: number}} Shown
 *   `order` has the cell of each row
 */

/**
 * @param {(step: number) => void} choose a step
 * @param {(cell: number) => void} follow a cell
 */
export function maps(choose, follow) {
  const view = el("div", { class: "maps" });
  /** @type {Shown} */
  let shown = { cells: {}, order: [], steps: 1 };
  /** @type {{name: StateName, frame: HTMLElement, cursor: HTMLElement, row: HTMLElement, line: HTMLCanvasElement, value: HTMLElement}[]} */
  let figures = [];
  let [step, followed] = [0, 0];
  /** @type {number | null} the row under the pointer */
  let hovered = null;

  const at = (/** @type {StateName} */ name, /** @type {number} */ row, /** @type {number} */ when) =>
    /** @type {Float32Array} */ (shown.cells[name])[row * shown.steps + when];

  /**
   * A mean of the steps that share a column.
   * @param {StateName} name
   * @param {number} columns
   */
  const column = (name, columns) => (/** @type {number} */ x, /** @type {number} */ row) => {
    const begin = Math.floor((x * shown.steps) / columns);
    const end = Math.max(begin + 1, Math.floor(((x + 1) * shown.steps) / columns));
    let sum = 0;
    for (let when = begin; when < end; when++) sum += at(name, row, when);
    return sum / (end - begin);
  };

  /**
   * Step and row under the pointer.
   * @param {PointerEvent} event
   * @param {HTMLElement} heat
   */
  function place(event, heat) {
    const { left, top, width, height } = heat.getBoundingClientRect();
    const row = Math.floor(((event.clientY - top) / height) * shown.order.length);
    return {
      when: Math.floor(((event.clientX - left) / width) * shown.steps),
      row: row < shown.order.length && row >= 0 ? row : null,
    };
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const across = { ArrowLeft: step - 1, ArrowRight: step + 1, Home: 0, End: shown.steps - 1 }[event.key];
    const row = shown.order.indexOf(followed) + ({ ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0);
    if (across !== undefined) choose(across);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      follow(shown.order[Math.min(Math.max(row, 0), shown.order.length - 1)]);
    } else return;
    event.preventDefault();
  }

  /**
   * @param {StateName} name
   * @param {[string, Kind, number, number]} look
   */
  function figure(name, [title, kind, low, high]) {
    const columns = Math.min(shown.steps, MAX_COLUMNS);
    const canvas = el("canvas", { class: "matrix" });
    drawMatrix(canvas, columns, shown.order.length, column(name, columns), kind, low, high);
    const row = el("span", { class: "followed" });
    const heat = el("div", { class: "heat" }, canvas, row);
    const cursor = el("span", { class: "cursor" });
    const line = el("canvas", { class: "line" });
    const value = el("output", {});
    const frame = el("div", {
      class: "frame", tabIndex: 0, role: "slider", "aria-label": title,
      "aria-valuemin": "1", "aria-valuemax": String(shown.steps), onkeydown: key,
      onpointermove: (/** @type {PointerEvent} */ event) => {
        const { when, row: over } = place(event, heat);
        hovered = over;
        choose(when);
      },
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        const { when, row: over } = place(event, heat);
        choose(when);
        if (over !== null) follow(shown.order[over]);
      },
      onpointerleave: () => { hovered = null; showValues(); },
    }, heat, line, cursor);
    figures.push({ name, frame, cursor, row, line, value });
    return el("figure", {}, el("figcaption", {},
      el("span", {}, el("b", { class: `of-${name}` }, title), " ", el("small", {}, kind === "signed"
        ? t("%(low)s to %(high)s", { low: number(low), high: number(high) }) : t("dark: shut"))),
      value), frame);
  }

  /** The followed cell in a map, as a line from the lowest to the highest value. */
  function drawLines() {
    const row = shown.order.indexOf(followed);
    const looks = MAPS(shown.cells.c);
    for (const { name, line } of figures) {
      const [, kind, low, high] = looks[name];
      const width = line.clientWidth || 300;
      const context = prepare(line, width, LINE);
      const y = (/** @type {number} */ value) =>
        LINE - 3 - ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (LINE - 6);
      context.strokeStyle = colour("line");
      context.beginPath();
      context.moveTo(0, y(kind === "signed" ? 0 : low));
      context.lineTo(width, y(kind === "signed" ? 0 : low));
      context.stroke();
      context.strokeStyle = colour("cursor");
      context.lineWidth = 1.5;
      context.beginPath();
      for (let when = 0; when < shown.steps; when++) {
        context.lineTo(((when + 0.5) * width) / shown.steps, y(at(name, row, when)));
      }
      if (shown.steps === 1) context.arc(width / 2, y(at(name, row, 0)), 2, 0, 7);
      context.stroke();
    }
  }

  /** In each caption the value at the step, of the cell under the pointer or of the followed one. */
  function showValues() {
    const row = hovered ?? shown.order.indexOf(followed);
    for (const { name, frame, value } of figures) {
      const text = t("unit %(cell)s: %(value)s", {
        cell: shown.order[row], value: number(at(name, row, step), 3),
      });
      value.textContent = text;
      frame.setAttribute("aria-valuenow", String(step + 1));
      frame.setAttribute("aria-valuetext", t("step %(step)s, %(value)s", { step: number(step + 1), value: text }));
    }
  }

  return {
    view,
    resize: drawLines,
    /**
     * @param {Shown} now
     */
    show: (now) => {
      shown = now;
      figures = [];
      hovered = null;
      if (isClosed(view)) return;
      const looks = Object.entries(MAPS(now.cells.c)).filter(([name]) => now.cells[/** @type {StateName} */ (name)]);
      view.classList.toggle("one", looks.length === 1);
      view.classList.toggle("many", now.order.length > 20);
      view.replaceChildren(...looks.map(([name, look]) => figure(/** @type {StateName} */ (name), look)));
    },
    /**
     * @param {number} now_step
     * @param {number} cell
     */
    mark: (now_step, cell) => {
      const other = cell !== followed || !figures[0]?.line.style.height;
      [step, followed] = [now_step, cell];
      const row = shown.order.indexOf(cell);
      for (const { cursor, row: box } of figures) {
        cursor.style.left = `${(100 * (step + 0.5)) / shown.steps}%`;
        box.style.top = `${(100 * row) / shown.order.length}%`;
        box.style.height = `${100 / shown.order.length}%`;
      }
      if (other) drawLines();
      showValues();
    },
  };
}
