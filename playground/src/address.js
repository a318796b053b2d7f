/**
 * What the page shows, kept in its address after the #, so that a reload, the Back button and a
 * link in a mail show the same.
 */

const PAUSE = 200; // milliseconds; browsers refuse to change an address too often

/** @type {Record<string, string>} */
let pending = {};
let timer = 0;

const values = () => new URLSearchParams(location.hash.slice(1));

/**
 * @param {string} name
 * @returns {string | null} null if the address says nothing of it
 */
export const remembered = (name) => pending[name] ?? values().get(name);

/** @param {"pushState" | "replaceState"} how */
function write(how) {
  clearTimeout(timer);
  timer = 0;
  const next = values();
  for (const [name, value] of Object.entries(pending)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  pending = {};
  const hash = `#${next}`;
  if (hash !== (location.hash || "#")) history[how](null, "", hash);
}

/**
 * Put something into the address.
 * @param {Record<string, string | number>} changes an empty value removes its name
 * @param {boolean} [isStep] whether Back returns to what was before
 */
export function remember(changes, isStep = false) {
  if (isStep && timer) write("replaceState");
  for (const [name, value] of Object.entries(changes)) pending[name] = String(value);
  if (isStep) write("pushState");
  else timer ||= setTimeout(() => write("replaceState"), PAUSE);
}

/**
 * Call it whenever the reader goes back or forward, or edits the address.
 * @param {() => void} callback
 */
export function onReturn(callback) {
  addEventListener("popstate", () => {
    clearTimeout(timer);
    timer = 0;
    pending = {};
    callback();
  });
}
