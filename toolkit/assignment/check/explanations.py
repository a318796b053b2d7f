"""What each id means: a sentence, and a page in `explain/` that begins with it."""

import difflib
from pathlib import Path
from typing import overload

from toolkit.assignment.check.findings import IDS, Id
from toolkit.common.errors import UsageError
from toolkit.common.texts.language import Language

PAGES = Path(__file__).with_name("explain")
NUM_NEAREST = 3  # ids that are offered in the place of an unknown one

SHORT: dict[Id, str] = {
    # of any part
    "missing-file": "No file for this part of the assignment was found.",
    "does-not-import": "Python cannot import the file.",
    "not-written": "A piece of the skeleton is still to be written.",
    "does-not-run": "The code stops with an exception, or lacks the class that it should define.",
    "time-limit": "The code did not come back in time, or ended the whole process.",
    "forbidden-module": "The code uses a ready-made LSTM or the toolkit; you write the equations.",
    "fixed-device": "The code runs on one kind of device only.",
    "missing-folder": "The code writes into a folder that does not exist yet.",
    "doubtful-record": "A record says what no training of this code can have given.",
    # of the data set
    "not-a-palindrome": "The digits and the label together do not read the same backwards.",
    "wrong-label": "The label is not the last digit of the palindrome.",
    "answer-in-input": "The input contains the digit that the network is to predict.",
    "missing-digits": "Some digits are never drawn.",
    "length-overflow": "Long palindromes fail, because their half is built as one large number.",
    "split-leak": "Some palindromes are both in the training data and in the test data.",
    # of the LSTM
    "wrong-equation": "The network computes something other than one of the equations (1) to (8).",
    "nonzero-initial-state": "h(0) or c(0) is not zero in every call.",
    "state-not-carried": "h(t-1) or c(t-1) does not reach step t.",
    "fixed-batch-size": "The model works for one batch size only.",
    "fixed-sequence-length": "The model works for one sequence length only.",
    "parameter-not-learnable": "A weight or a bias is never learnt.",
    "dead-parameter": "A parameter gets no gradient, or no optimiser holds it.",
    "broken-gradient": "The path of the gradient through time is cut.",
    "uninitialised-weight": (
        "A weight starts as whatever was in memory, because it is never filled."
    ),
    # of training, in either part of the assignment
    "not-watched": "The training could not be run, so nothing can be said about it.",
    "wrong-loss": "The loss is not the one of the assignment, or is given what it does not expect.",
    "loss-not-last-step": "The loss (9) is not taken over the last time step alone.",
    "softmax-before-loss": "The softmax (8) is applied twice.",
    "wrong-optimiser": "The optimiser is not the right one, or holds the wrong parameters.",
    "gradients-not-cleared": "The gradients of one step are added to those of the next.",
    "clipping-without-effect": "The gradient is clipped where it changes nothing.",
    "tests-on-training-data": "The accuracy is measured on data that the network was trained on.",
    "does-not-learn": "The training does not change the weights for the better.",
    # of the GAN
    "wrong-noise": "The noise z is not drawn from a standard normal distribution.",
    "wrong-shape": "What a network returns has the wrong shape.",
    "output-range": "Generated and real images have different ranges.",
    "sigmoid-twice": "The sigmoid is applied twice: by the discriminator and by its loss.",
    "missing-detach": "The discriminator's loss sends gradients into the generator's own step.",
    "wrong-direction": "A network's step moves it the wrong way.",
    "one-sided-loss": "The discriminator learns from only one of the two kinds of images.",
    "batchnorm-mode": "Batch norm is in the wrong mode for training or for sampling.",
    "missing-interpolation": "There is no interpolation between two images.",
    "wrong-interpolation": "The interpolation does not have 9 images with both ends.",
    "interpolation-repeats-ends": "Some of the 9 images of the interpolation are the same.",
    "same-class-ends": "The two ends of the interpolation can be of the same class.",
}


EQUATIONS = {  # of the assignment; with * for products of elements
    1: "g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)",
    2: "i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)",
    3: "f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)",
    4: "o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)",
    5: "c(t) = g(t) * i(t) + c(t-1) * f(t)",
    6: "h(t) = tanh(c(t)) * o(t)",
    7: "p(t) = W_ph h(t) + b_p",
    8: "y~(t) = softmax(p(t))",
    9: "L = - sum_k y_k log y~_k(T)",
    10: "min_G max_D V(D, G) = E_p[log D(X)] + E_q[log(1 - D(G(Z)))]",
}
IN_CLASS = "## What to say in class"


@overload
def explanation(id: Id) -> str: ...
@overload
def explanation(id: Id, language: Language) -> str | None: ...
def explanation(id: Id, language: Language = "en") -> str | None:
    """The page of an id in Markdown; None if it is not translated.

    It says what the fault is, why it matters, how to see it yourself, and gives an example that is
    not the solution.
    """
    path = PAGES / ("" if language == "en" else language) / f"{id}.md"
    return path.read_text(encoding="utf-8") if path.exists() else None


def in_class(id: Id) -> str:
    """What a teacher may say about it: the last paragraph of its page."""
    return " ".join(explanation(id).partition(IN_CLASS)[2].split())


def explain_id(word: str) -> str:
    """The page of an id, which `check --explain` prints.

    Raises:
        UsageError: no finding has this id.
    """
    for id in IDS:
        if id == word:
            return explanation(id)
    nearest = difflib.get_close_matches(word, IDS, NUM_NEAREST, cutoff=0)
    raise UsageError(f"There is no finding {word!r}. The nearest are {', '.join(nearest)}.")
