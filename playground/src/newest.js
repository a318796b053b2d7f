/** Questions whose answers take time. */

/**
 * One question at a time: of those that come meanwhile only the last is asked, and an answer that a
 * newer question has overtaken is not shown.
 * @template Question, Answer
 * @param {(question: Question, isNewest: () => boolean) => Promise<Answer>} ask
 * @param {(answer: Answer, question: Question) => void} show
 * @param {(sentence: string) => void} refuse shows why there is no answer
 * @returns {(question: Question) => void}
 */
export function onlyNewest(ask, show, refuse) {
  /** @type {{question: Question} | null} */
  let next = null;
  let busy = false;
  /** @param {Question} question */
  async function work(question) {
    let done = () => {};
    try {
      const answer = await ask(question, () => !next);
      done = () => show(answer, question);
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      done = () => refuse(sentence);
    }
    busy = false;
    if (!next) return done();
    const newer = next.question;
    next = null;
    put(newer);
  }
  /** @param {Question} question */
  function put(question) {
    if (busy) next = { question };
    else {
      busy = true;
      void work(question);
    }
  }
  return put;
}

/** Lets the browser draw and listen before work goes on. */
export const breathe = () => new Promise((resolve) => { setTimeout(resolve, 0); });
