/** Questions whose answers take time. */

/**
 * One question at a time: of those that come meanwhile only the last is asked, and an answer that a
 * newer question has overtaken is not shown.
 * @template Question, Answer
 * @param {(question: Question) => Promise<Answer>} ask
 * @param {(answer: Answer, question: Question) => void} show
 * @param {(sentence: string) => void} refuse shows why there is no answer
 * @returns {(question: Question) => Promise<void>} resolves when nothing is left to be asked
 */
export function onlyNewest(ask, show, refuse) {
  /** @type {{question: Question} | null} */
  let next = null;
  /** @type {Promise<void> | null} */
  let busy = null;
  async function work() {
    while (next) {
      const { question } = next;
      next = null;
      let done = () => {};
      try {
        const answer = await ask(question);
        done = () => show(answer, question);
      } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error);
        done = () => refuse(sentence);
      }
      if (!next) done();
    }
    busy = null;
  }
  return (question) => {
    next = { question };
    busy ??= work();
    return busy;
  };
}

/** Lets the browser draw and listen before work goes on. */
export const breathe = () => new Promise((resolve) => { setTimeout(resolve, 0); });
