"""Find the text that a student still has to write: `[[ in double square brackets ]]`.

The report templates ask their questions and name missing records in such brackets. A report is
ready when none are left.
"""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Literal
from xml.etree import ElementTree

from toolkit.common.errors import ToolkitError, UsageError

REMARK = "Made by the toolkit, not by this student."  # at the end of captions, with --reference
PROMPT = re.compile(r"\[\[\s*(.+?)\s*\]\]", re.DOTALL)
ReportKind = Literal["word", "latex"]
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def one_report(
    files: dict[PurePosixPath, bytes], report: ReportKind | None, ask: Callable[[str], bool] | None
) -> dict[PurePosixPath, bytes]:
    """The files without the report that is not meant, if there is one in Word and one in LaTeX.

    Raises:
        UsageError: there are both, `report` does not say which is meant, and nobody can be asked.
    """
    both: dict[ReportKind, list[PurePosixPath]] = {
        "word": [path for path in files if path.suffix.lower() == ".docx"],
        "latex": [path for path in files if path.suffix.lower() == ".tex"],
    }
    if not all(both.values()):
        return files
    if report is None:
        left = {p: len(prompts_in(str(p), files[p])) for found in both.values() for p in found}
        said = " and ".join(f"{path} (prompts left in it: {n})" for path, n in left.items())
        said = f"There are two reports, {said}."
        if ask is None:
            raise UsageError(f"{said} Say which one is yours: --report word or --report latex.")
        likely, other = sorted(both, key=lambda kind: sum(left[path] for path in both[kind]))
        yes = ask(f"{said} Hand in {both[likely][0]}, and not the other?")
        report = likely if yes else other
    others = both["latex" if report == "word" else "word"]
    left_out = {*others, *(path.with_suffix(".pdf") for path in others if path.suffix == ".tex")}
    return {path: content for path, content in files.items() if path not in left_out}


def find_prompts(files: Mapping[PurePosixPath, bytes]) -> list[tuple[str, str]]:
    """The parts of a report that are not a student's own, in a word or two and in a sentence."""
    found = []
    for path, content in files.items():
        if path.suffix.lower() not in (".tex", ".docx"):
            continue
        if prompts := prompts_in(str(path), content):
            said = f"{path} still has {len(prompts)} prompts; the first is [[ {prompts[0][:70]} ]]"
            found.append((f"{len(prompts)} prompts in {path}", said))
        if REMARK in text_of(str(path), content):
            said = f"{path} shows what the toolkit made: fill it without --reference."
            found.append((f"the toolkit's runs in {path}", said))
    return found


def prompts_in(name: str, content: bytes) -> list[str]:
    """The prompts that are left in a .docx file, or in any text file such as LaTeX.

    Args:
        name: what the file is called.

    Returns:
        what is between the brackets, with single spaces, in the order of the text.

    Raises:
        ToolkitError: its name says that it is a Word file, and it is not.
    """
    return [" ".join(found.split()) for found in PROMPT.findall(text_of(name, content))]


def text_of(name: str, content: bytes) -> str:
    """The text of a .docx file, a line for each paragraph, or of any text file such as LaTeX.

    Raises:
        ToolkitError: its name says that it is a Word file, and it is not.
    """
    if not name.lower().endswith(".docx"):
        return content.decode(errors="replace")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            body = ElementTree.fromstring(archive.read("word/document.xml"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise ToolkitError(
            f"{name} is not a Word file ({error}). Save it as .docx again."
        ) from error
    return "\n".join(
        "".join(text.text or "" for text in paragraph.iter(f"{WORD}t"))
        for paragraph in body.iter(f"{WORD}p")
    )
