"""The report in LaTeX, made by filling in a template.

The template is a LaTeX file. Lines that begin with %% are Jinja statements, and \\VAR{...} is
replaced by the escaped value of the expression in braces.
"""

import re
import unicodedata
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "/": r"\slash{}",  # a long path may break after a slash
}
# The letters besides ASCII in pdfLaTeX's Latin fonts (t1enc.dfu and ts1enc.dfu of LaTeX).
LETTERS = {chr(code) for code in range(0xA1, 0x180)} - set("¸ĦħĸĿŀŉŦŧſ\xad")  # noqa: RUF001
LETTERS |= set("ȘșȚț–—‘’“”„…€")  # noqa: RUF001


def escape(text: object) -> str:
    """Escape a text so that LaTeX prints it literally and never reads it as a command.

    A character that is missing from pdfLaTeX's fonts is replaced by its code, e.g. [U+674E].
    """
    letters = unicodedata.normalize("NFC", str(text))
    escaped = "".join(map(_escaped, letters))
    return re.sub(r"([-,])(?=\1)", r"\1{}", escaped)  # -- would become a dash, and ,, a quote


def _escaped(letter: str) -> str:
    return SPECIAL.get(letter) or _printable(letter)


def lacking(text: str) -> str:
    """Return the characters of a text that are missing from pdfLaTeX's fonts."""
    letters = unicodedata.normalize("NFC", text)
    return "".join(letter for letter in letters if _printable(letter) != letter)


def render(template: Path, **values: object) -> bytes:
    """Return the filled template as UTF-8 text."""
    environment = Environment(
        block_start_string=r"\BLOCK{",
        block_end_string="}",
        variable_start_string=r"\VAR{",
        variable_end_string="}",
        comment_start_string=r"\COMMENT{",
        comment_end_string="}",
        line_statement_prefix="%%",
        finalize=escape,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # this is for HTML; `finalize` escapes for LaTeX
        loader=FileSystemLoader(template.parent),
    )
    return environment.get_template(template.name).render(values).encode()


def _printable(letter: str) -> str:
    if " " <= letter <= "~" or letter in LETTERS:
        return letter
    return f"[U+{ord(letter):04X}]"
