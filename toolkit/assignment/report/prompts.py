"""The prompts for texts that a student still has to write; a report marks each prompt with `[[ ...
]]`.

In the report templates, double square brackets enclose questions and the names of missing records.
A report is complete when no double brackets are left.
"""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Literal
from xml.etree import ElementTree

from toolkit.common.errors import ToolkitError, UsageError

REMARK = "Made by the toolkit, not by this student."  # the end of each caption with --reference
PROMPT = re.compile(r"\[\[\s*(.+?)\s*\]\]", re.DOTALL)
ReportKind = Literal["word", "latex"]
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def one_report(
    files: dict[PurePosixPath, bytes], report: ReportKind | None, ask: Callable[[str], bool] | None
) -> dict[PurePosixPath, bytes]:
    """If the files contain both a Word report and a LaTeX report, keep one of the two and leave out
    the other.

    Args:
        report: the kind of report to keep if the files contain both kinds; if None, the user is
            asked.
        ask: asks the user a yes-or-no question; None if nobody can answer.

    Raises:
        UsageError: there are two reports and no way to ask which one to keep.
    """
    by_kind: dict[ReportKind, list[PurePosixPath]] = {"word": [], "latex": []}
    for path in files:
        if path.suffix.lower() == ".docx":
            by_kind["word"].append(path)
        elif path.suffix.lower() == ".tex":
            by_kind["latex"].append(path)
    if not all(by_kind.values()):
        return files
    report = report or _ask_for_kind(files, by_kind, ask)
    left_out = set(by_kind["latex" if report == "word" else "word"])
    for path in list(left_out):
        if path.suffix == ".tex":
            left_out.add(path.with_suffix(".pdf"))
    return {path: content for path, content in files.items() if path not in left_out}


def _ask_for_kind(
    files: Mapping[PurePosixPath, bytes],
    by_kind: Mapping[ReportKind, list[PurePosixPath]],
    ask: Callable[[str], bool] | None,
) -> ReportKind:
    """Ask which kind of report to hand in, and propose the kind in which fewer placeholders are
    left to fill in.
    """
    prompts: dict[ReportKind, int] = dict.fromkeys(by_kind, 0)
    reports = []
    for kind, paths in by_kind.items():
        for path in paths:
            number = len(prompts_in(str(path), files[path]))
            prompts[kind] += number
            reports.append(f"{path} (prompts left in it: {number})")
    question = f"There are two reports, {' and '.join(reports)}."
    if ask is None:
        raise UsageError(f"{question} Say which one is yours: --report word or --report latex.")
    likely, unlikely = sorted(prompts, key=prompts.__getitem__)
    if ask(f"{question} Hand in {by_kind[likely][0]}, and not the other?"):
        return likely
    return unlikely


def find_prompts(files: Mapping[PurePosixPath, bytes]) -> list[tuple[str, str]]:
    """Return the problems with the reports, such as prompts (`[[ ... ]]`) that the student has not
    yet replaced. Each problem is described both by a short phrase and by a full sentence.
    """
    remarks = []
    for path, content in files.items():
        if path.suffix.lower() not in (".tex", ".docx"):
            continue
        prompts = prompts_in(str(path), content)
        if prompts:
            first = prompts[0][:70]
            sentence = f"{path} still has {len(prompts)} prompts; the first is [[ {first} ]]"
            remarks.append((f"{len(prompts)} prompts in {path}", sentence))
        if REMARK in text_of(str(path), content):
            sentence = f"{path} shows results of the toolkit: fill it without --reference."
            remarks.append((f"the toolkit's runs in {path}", sentence))
    return remarks


def prompts_in(name: str, content: bytes) -> list[str]:
    """Return the prompts, marked by `[[ ... ]]`, that are left in a report; the report may be a
    .docx file or a text file.

    Args:
        name: the name of the file.

    Returns:
        the texts between `[[` and `]]`, in order, with each run of whitespace replaced by a single
        space.

    Raises:
        ToolkitError: the file name ends in .docx, but the file is not a Word document.
    """
    return [" ".join(prompt.split()) for prompt in PROMPT.findall(text_of(name, content))]


def text_of(name: str, content: bytes) -> str:
    """Return the text of a .docx file, or of a text file such as a LaTeX file.

    Each paragraph of a .docx file becomes one line of the text.

    Raises:
        ToolkitError: the file name ends in .docx, but the file is not a Word document.
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
    lines = []
    for paragraph in body.iter(f"{WORD}p"):
        texts = [text.text or "" for text in paragraph.iter(f"{WORD}t")]
        lines.append("".join(texts))
    return "\n".join(lines)
