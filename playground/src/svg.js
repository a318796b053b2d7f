/** Elements of drawings in SVG. */

/**
 * An element. Properties that begin with "on" are listeners, all others attributes.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A text whose "_" puts the letters after it below the line, up to the next space: W_fx x.
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} [name] of its class
 */
export function formula(x, y, text, name = "formula") {
  const line = svg("text", { x, y, class: name });
  for (const [whole, lower] of text.matchAll(/_(\w+)|[^_]+/g)) {
    line.append(lower ? svg("tspan", { dy: 3, class: "lower" }, lower) : svg("tspan", line.childNodes.length ? { dy: -3 } : {}, whole));
  }
  return line;
}

/**
 * The path through some points, in straight lines.
 * @param {number[]} points x and y of each, one after the other
 */
export const through = (...points) => `M${points.join(" ")}`;

/**
 * What can be pressed, with mouse, finger or key.
 * @param {string} label
 * @param {() => void} press
 * @param {Record<string, any>} properties
 * @param {...Node} children
 */
export function pressable(label, press, properties, ...children) {
  return svg("g", {
    role: "button", tabindex: 0, onclick: press,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      press();
    },
    ...properties,
  }, svg("title", {}, label), ...children);
}
