/**
 * What the page shows, kept in its address after the #, so that a reload, the Back button and a
 * link in a mail show the same.
 */

const PAUSE = 200; // milliseconds; browsers refuse to change an address too often

/** @type {Record<string, string>} */
let pending = {};
let timer = 0;

const values = () => new URLSearchParams(location.hash.slice(1));

/** Whose each key is. @type {Record<string, string>} */
const owners = {};

/**
 * A part's own keys: no other part can read or change them.
 * @param {string} part
 * @param {string[]} keys
 */
export function owner(part, keys) {
  for (const key of keys) {
    if ((owners[key] ??= part) !== part) throw new Error(`The address key ${key} belongs to ${owners[key]}, not to ${part}.`);
  }
  /** @param {string} key */
  const own = (key) => {
    if (owners[key] !== part) throw new Error(`The address key ${key} is not one of ${part}.`);
  };
  return {
    /**
     * @param {string} key
     * @returns {string | null} null if the address says nothing of it
     */
    remembered(key) {
      own(key);
      return pending[key] ?? values().get(key);
    },
    /**
     * @param {Record<string, string | number>} changes an empty value removes its key
     * @param {boolean} [isStep] whether Back returns to what was before
     */
    remember(changes, isStep = false) {
      Object.keys(changes).forEach(own);
      remember(changes, isStep);
    },
  };
}

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
function remember(changes, isStep = false) {
  if (isStep && timer) write("replaceState");
  for (const [name, value] of Object.entries(changes)) pending[name] = String(value);
  if (isStep) write("pushState");
  else timer ||= setTimeout(() => write("replaceState"), PAUSE);
}

/**
 * Go where a link leads: to a part, and to what it shows then.
 * @param {Record<string, string | number>} changes
 */
export function visit(changes) {
  remember(changes, true);
  dispatchEvent(new PopStateEvent("popstate"));
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
