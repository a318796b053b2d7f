import { openModels } from "./models.js";

const data = /** @type {HTMLElement} */ (document.getElementById("exports")).textContent ?? "";
Object.assign(globalThis, { playground: openModels(JSON.parse(data)) });
