"""The one rule where the parts of a submission are: by what the files contain, then by their names.

Nothing is run. Each file, or each class in it, gets points for what shows in its syntax tree
(`evidence.EVIDENCE`) and some for its name and place; the most points make it the part. What only
imports something counts less than where it stands, so neither a helper module nor a page of results
hides the file that brings all together. Only where no file has points enough do names alone decide
(`NAMES`), and never for a file that is another part by content. Files with the same points are the
same if their code is; else none of them is taken.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from toolkit.assignment.evidence import (
    ENOUGH,
    Candidate,
    Code,
    datasets,
    gans,
    is_code,
    networks,
    trainings,
)
from toolkit.assignment.notebooks import SUFFIX
from toolkit.assignment.parts import FILES, PARTS, Part, list_files
from toolkit.assignment.syntax import parsed
from toolkit.common.files import sha256

NAMES: dict[Part, tuple[str, ...]] = {  # the stems of files, where the content does not decide
    "dataset": ("dataset", "data", "datasets", "palindrome", "palindromes", "palindrome_dataset"),
    "lstm": ("lstm", "my_lstm", "lstm_model"),
    "train": ("train", "train_lstm", "lstm_train", "training"),
    "gan": ("my_gan", "gan", "dcgan", "mygan", "train_gan", "gan_train"),
}
NAMED = 1  # as the assignment calls it
ALIKE = 0.5  # another of the NAMES
USED = 3  # by the training; once more if it names the class
NOTEBOOK = -0.5
UNFINISHED = -2  # a template, beside one that was filled in
OLD = TEST = -4
OLD_WORDS = {
    *("old", "backup", "bak", "copy", "copies", "archive", "archived", "deprecated", "unused"),
    *("draft", "orig", "original", "skeleton", "template", "starter", "tmp", "temp"),
}


@dataclass
class Found:
    """Which file is which part.

    Attributes:
        parts: the one that was taken.
        equal: two or more that could be the part in the same way; none of them was taken.
        close: others that come next, the likeliest first.
        code: all that was read.
        chosen: a file that was named as the one: where it could be a part, it is.
    """

    code: Code
    chosen: PurePosixPath | None = None
    parts: dict[Part, Candidate] = field(default_factory=dict)
    equal: dict[Part, list[Candidate]] = field(default_factory=dict)
    close: dict[Part, list[Candidate]] = field(default_factory=dict)


def find_parts(files: Mapping[PurePosixPath, bytes]) -> dict[Part, PurePosixPath]:
    """The file of each part; what is missing, or not clear, is left out."""
    return {part: candidate.path for part, candidate in locate(files).parts.items()}


def read_code(folder: Path) -> dict[PurePosixPath, bytes]:
    """The Python files and notebooks below a folder, for `locate`."""
    return {path: (folder / path).read_bytes() for path in list_files(folder) if is_code(path)}


def locate(files: Mapping[PurePosixPath, bytes], chosen: PurePosixPath | None = None) -> Found:
    """Find the parts of a submission.

    Args:
        files: what it contains, by relative path; other files than Python and notebooks do not
            matter.
        chosen: one of them that is meant, whatever else could be the same part.
    """
    found = Found(Code.of(files), chosen)
    code = found.code
    points: dict[Part, list[Candidate]] = {
        "dataset": list(datasets(code)),
        "lstm": list(networks(code)),
        "gan": list(gans(code)),
    }
    palindromes, lstms = (
        {(c.path, c.name) for c in points[part] if c.points >= ENOUGH[part]}
        for part in ("dataset", "lstm")
    )
    points["train"] = list(trainings(code, lstms, palindromes))
    _choose(found, "train", points["train"])
    _choose(found, "gan", points["gan"])
    training = found.parts.get("train")
    for part in ("dataset", "lstm"):
        used = [_with_use(code, c, training) if training else c for c in points[part]]
        _choose(found, part, used)
    for part in PARTS:
        if part not in found.parts and part not in found.equal:
            against = {c.path for c in points[part] if c.points < 0}
            others = against | {taken.path for taken in found.parts.values()}
            if rest := found.parts.get("train" if part == "gan" else "gan"):
                others |= code.reached.get(rest.path, set())
            named = [p for p in code.text if p.stem.lower() in NAMES[part] and p not in others]
            _take(found, part, [Candidate(p, _points_of_file(code, part, p)) for p in named])
    found.parts = {part: found.parts[part] for part in PARTS if part in found.parts}
    return found


def _with_use(code: Code, candidate: Candidate, training: Candidate) -> Candidate:
    """With points for being used by the training."""
    if candidate.path not in {training.path, *code.reached[training.path]}:
        return candidate
    named = candidate.name in code.facts[training.path].words
    return Candidate(candidate.path, candidate.points + USED * (1 + named), candidate.name)


def _choose(found: Found, part: Part, candidates: list[Candidate]) -> None:
    """The best by content, of those that have points enough."""
    rated = [
        Candidate(c.path, c.points + _points_of_file(found.code, part, c.path), c.name)
        for c in candidates
        if c.points >= ENOUGH[part]
    ]
    _take(found, part, rated)
    near = sorted(candidates, key=lambda c: -c.points)
    known = {c.path for c in rated}
    found.close[part] += [c for c in near if c.path not in known and c.points > 0]


def _take(found: Found, part: Part, candidates: list[Candidate]) -> None:
    """The one with the most points; of files with the same code the least deep one."""
    meant = [c for c in candidates if c.path == found.chosen]
    ordered = sorted(meant or candidates, key=lambda c: (-c.points, len(c.path.parts), str(c.path)))
    best = [c for c in ordered if c.points == ordered[0].points]
    if len({c.name for c in best}) > 1 or len(_meanings(found.code, {c.path for c in best})) > 1:
        found.equal[part] = best
    elif best:
        found.parts[part] = best[0]
    found.close[part] = [c for c in ordered if c not in best] + found.close.get(part, [])


def _meanings(code: Code, paths: set[PurePosixPath]) -> set[tuple[str, ...]]:
    """What files and those that they import say without comments and layout, each way once."""
    if len(paths) < 2:
        return {()}
    everything = {path: {path, *code.reached.get(path, ())} for path in paths}
    dumps: dict[PurePosixPath, str] = {}
    for path in set().union(*everything.values()):
        tree = parsed(code.text[path])
        dumps[path] = sha256((code.text[path] if tree is None else ast.dump(tree)).encode())
    return {
        (dumps[path], *sorted(dumps[other] for other in files - {path}))
        for path, files in everything.items()
    }


def _points_of_file(code: Code, part: Part, path: PurePosixPath) -> float:
    """For the name and the place of a file, and for being finished."""
    stem = path.stem.lower()
    is_named = stem == FILES[part].removesuffix(".py")
    points = NAMED if is_named else ALIKE if stem in NAMES[part] else 0
    if path.suffix.lower() == SUFFIX:
        points += NOTEBOOK
    if not OLD_WORDS.isdisjoint(re.split(r"[\W_]+", str(path.with_suffix("")).lower())):
        points += OLD
    if facts := code.facts.get(path):
        tests = stem.startswith("test_") or not facts.words.isdisjoint({"pytest", "unittest"})
        points += (UNFINISHED if facts.to_do else 0) + (TEST if tests else 0)
    return points
