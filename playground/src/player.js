/** A slider over pictures in time, with play and pause. */

import { button, el, select, t } from "./dom.js";

/** Whether the reader's system asks for less motion: then nothing plays by itself. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {string} label
 * @param {number} count number of pictures, at first
 * @param {(frame: number) => void} show
 * @param {number} milliseconds of each picture, at speed 1
 * @param {boolean} [there_and_back]
 */
export function player(label, count, show, milliseconds, there_and_back = false) {
  let length = count;
  let frame = 0;
  let way = 1;
  let speed = 1;
  let timer = 0;
  const slider = el("input", {
    type: "range", min: "0", max: String(length - 1), value: "0", "aria-label": label,
    oninput: () => { pause(); go(Number(slider.value)); },
  });
  const toggle = button(t("Play"), () => (timer ? pause() : play()));

  /** Where it stands, if something else has moved it. @param {number} to */
  function put(to) {
    frame = to;
    slider.value = String(frame);
  }

  /** @param {number} to */
  function go(to) {
    put(to);
    show(frame);
  }

  function pause() {
    clearTimeout(timer);
    timer = 0;
    toggle.textContent = t("Play");
  }

  function advance() {
    if (!view.isConnected || !view.checkVisibility()) return pause();
    if (there_and_back && (frame + way < 0 || frame + way >= length)) way = -way;
    go((frame + way + length) % length);
    if (!there_and_back && frame === length - 1) return pause();
    timer = setTimeout(advance, milliseconds / speed);
  }

  function play() {
    toggle.textContent = t("Pause");
    timer = setTimeout(advance, milliseconds / speed);
  }

  const isPlaying = () => timer > 0;

  /** @param {number} now number of pictures */
  function resize(now) {
    length = now;
    slider.max = String(length - 1);
  }
  const speeds = select([["0.25", "× ¼"], ["0.5", "× ½"], ["1", "× 1"], ["2", "× 2"]], "1",
    (value) => { speed = Number(value); });
  speeds.setAttribute("aria-label", t("Speed"));
  const view = el("div", { class: "player" }, toggle, slider, speeds);
  return { view, go, put, play, pause, resize, isPlaying, slider };
}
