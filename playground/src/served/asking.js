/** Asking the demo's server: what goes wrong becomes an Error whose message is for people. */

import { t } from "../dom.js";

/** @typedef {Record<string, (given: object) => Promise<any>>} Server one function for each name */

/**
 * @param {Server} server
 * @param {string} name of one of its functions
 * @returns {(given?: object) => Promise<any>} takes its arguments by name
 */
export const asking = (server, name) => async (given = {}) => {
  const answer = await server[name](given).catch(() => undefined); // Gradio only warns of most
  if (answer === undefined) {
    throw new Error(t("The demo's server does not answer. Is its program still running?"));
  }
  if (answer?.error) throw new Error(answer.error);
  return answer;
};
