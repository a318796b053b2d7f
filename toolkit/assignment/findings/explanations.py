"""Functions that read the pages in `explain/`; each page explains one kind of finding, and the
finding's id is the name of the page.
"""

import functools
from pathlib import Path
from typing import overload

from toolkit.assignment.findings.findings import IDS, Id
from toolkit.common.errors import UsageError, nearest
from toolkit.common.texts.language import Language

PAGES = Path(__file__).with_name("explain")
EQUATIONS = {  # of the assignment; * multiplies elementwise
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
    """Return the Markdown page that explains the finding with the given id, or None if there is no
    such page in `language`.

    The page says what the fault is, why it matters and how the reader can observe it. The page also
    gives an example that does not reveal the solution.
    """
    path = PAGES / ("" if language == "en" else language) / f"{id}.md"
    return path.read_text(encoding="utf-8") if path.exists() else None


def section_of(page: str, number: int) -> str:
    """Return the text of section `number` of a page.

    The sections are: 1 the fault, 2 why it matters, 3 how to see it, 4 an example, and 5 what to
    ask. English pages also have section 6, what to say in class.
    """
    return page.split("\n## ")[number].partition("\n")[2].strip()


@functools.cache
def short(id: Id) -> str:
    """Return a short explanation of a finding id: the first paragraph of its page."""
    return " ".join(explanation(id).split("\n\n", 2)[1].split())


def in_class(id: Id) -> str:
    """Return the last section of the page that explains a finding id; this section advises teachers
    what to say in class.
    """
    return " ".join(explanation(id).partition(IN_CLASS)[2].split())


def explain_id(word: str) -> str:
    """Return the page that `check --explain` shows for a finding id.

    Raises:
        UsageError: no finding has this id.
    """
    for id in IDS:
        if id == word:
            return explanation(id)
    raise UsageError(f"There is no finding {word!r}. {nearest(word, IDS)}.")
