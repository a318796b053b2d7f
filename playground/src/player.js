/** A slider over pictures in time, with play and pause. */

import { button, el, select, t } from "./dom.js";


/** Whether the reader's system asks for less motion: then nothing plays by itself. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {string} label
 * @param {number} length number of pictures
 * @param {(frame: number) => void} show
 * @param {number} milliseconds of each picture, at speed 1
 * @param {boolean} [there_and_back]
 */
export function player(label, length, show, milliseconds, there_and_back = false) {
  let frame = 0;
  let way = 1;
  let speed = 1;
  let timer = 0;
  const slider = el("input", {
    type: "range", min: "0", max: String(length - 1), value: "0", "aria-label": label,
    oninput: () => { pause(); go(Number(slider.value)); },
  });
  const toggle = button(t("Play"), () => (timer ? pause() : play()));

  /** @param {number} to */
  function go(to) {
    frame = to;
    slider.value = String(frame);
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
  const speeds = select([["0.25", "× ¼"], ["0.5", "× ½"], ["1", "× 1"], ["2", "× 2"]], "1",
    (value) => { speed = Number(value); });
  speeds.setAttribute("aria-label", t("Speed"));
  const view = el("div", { class: "player" }, toggle, slider, speeds);
  return { view, go, play, pause, isPlaying, slider };
}
