"""Functions that find the file for each part of the assignment by the contents of the files or,
failing that, by their names.

No code is run. A score is computed for each file, or for each class or function in a file. The
score depends on the evidence in the syntax tree (`evidence.EVIDENCE`) and on the file's name and
folder. The candidate with the highest score is chosen for the part. A file also receives points for
evidence in the code that it imports, such as the LSTM class. The student's main file therefore gets
a higher score than its helper modules. Evidence in an imported file scores fewer points than the
same evidence in the file itself. A notebook that imports the main file only to show results
therefore gets a lower score than the main file. File names alone (`NAMES`) decide only if no
candidate scores high enough, and only among files that were not chosen for another part. If several
candidates with different code share the highest score, the part is ambiguous and no candidate is
chosen.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path, PurePosixPath

from toolkit.assignment.handin.evidence import (
    ENOUGH,
    Candidate,
    Class,
    Code,
    datasets,
    gans,
    is_code,
    networks,
    trainings,
)
from toolkit.assignment.handin.facts import files_of_import
from toolkit.assignment.handin.notebooks import SUFFIX
from toolkit.assignment.handin.syntax import parsed
from toolkit.assignment.running.parts import FILES, PARTS, Part, list_files
from toolkit.common.files import sha256

NAMES: dict[Part, tuple[str, ...]] = {  # stems of file names, which count last
    "dataset": ("dataset", "data", "datasets", "palindrome", "palindromes", "palindrome_dataset"),
    "lstm": ("lstm", "my_lstm", "lstm_model"),
    "train": ("train", "train_lstm", "lstm_train", "training"),
    "gan": ("my_gan", "gan", "dcgan", "mygan", "train_gan", "gan_train"),
}
NAMED = 1  # the file name that the assignment gives
ALIKE = 0.5  # another name in NAMES
USED = 3  # by the training; twice as much if the training names the class
NOTEBOOK = -0.5
UNFINISHED = -2  # a template, which may lie beside a filled-in file
OLD = TEST = -4
OLD_WORDS = {
    *("old", "backup", "bak", "copy", "copies", "archive", "archived", "deprecated", "unused"),
    *("draft", "orig", "original", "skeleton", "template", "starter", "tmp", "temp"),
}


@dataclass
class Found:
    """The result of the search for the files, classes and functions that implement the parts of the
    assignment.

    Attributes:
        code: the Python files and notebooks of the submission.
        chosen: the file that the user named, if any; for each part of the assignment, suitable
            candidates in this file take precedence over those in other files.
        parts: the chosen candidate for each part.
        equal: for each ambiguous part, the candidates that share the highest score.
        close: for each part, the candidates whose scores were too low for them to be chosen,
            likeliest first.
        elsewhere: the full name, "module.name", of an LSTM that the training file imports from
            outside the submission, PyTorch's own LSTM excepted; "" if there is no such LSTM. If
            `elsewhere` is not "", only a class with "lstm" in its name can be chosen as the LSTM.
    """

    code: Code
    chosen: PurePosixPath | None = None
    parts: dict[Part, Candidate] = field(default_factory=dict)
    equal: dict[Part, list[Candidate]] = field(default_factory=dict)
    close: dict[Part, list[Candidate]] = field(default_factory=dict)
    elsewhere: str = ""


def find_parts(files: Mapping[PurePosixPath, bytes]) -> dict[Part, PurePosixPath]:
    """Return the file for each part of the assignment; parts without a file, or with several
    equally likely files, are left out.
    """
    return {part: candidate.path for part, candidate in locate(files).parts.items()}


def read_code(folder: Path) -> dict[PurePosixPath, bytes]:
    """Return the contents of all Python files and notebooks below a folder, by relative path."""
    return {path: (folder / path).read_bytes() for path in list_files(folder) if is_code(path)}


def locate(files: Mapping[PurePosixPath, bytes], chosen: PurePosixPath | None = None) -> Found:
    """In a submission, find the file for each part of the assignment and, where the part is a class
    or a function, its name.

    Args:
        files: the contents of the submission's files, by relative path; only Python files and
            notebooks matter.
        chosen: the file that the user named; this file takes precedence over all other candidates.
    """
    located = Found(Code.of(files), chosen)
    code = located.code
    data_sets, lstms = list(datasets(code)), list(networks(code))
    candidates: dict[Part, list[Candidate]] = {
        "dataset": data_sets,
        "lstm": lstms,
        "train": list(trainings(code, _likely(lstms, "lstm"), _likely(data_sets, "dataset"))),
        "gan": list(gans(code)),
    }
    _choose(located, "train", candidates["train"])
    _choose(located, "gan", candidates["gan"])
    training = located.parts.get("train")
    if training is not None:
        located.elsewhere = _lstm_elsewhere(code, training.path)
    if located.elsewhere:
        candidates["lstm"] = [c for c in lstms if _is_called_lstm(c.name or "")]
    for part in ("dataset", "lstm"):
        _choose(located, part, _with_uses(located, candidates[part]))
    for part in PARTS:
        if part not in located.parts and part not in located.equal:
            _choose_by_name(located, part, candidates[part])
    located.parts = {part: located.parts[part] for part in PARTS if part in located.parts}
    return located


def _likely(candidates: list[Candidate], part: Part) -> set[Class]:
    """Return the file and the class or function name of each candidate that scores high enough for
    a part.
    """
    return {(c.path, c.name) for c in candidates if c.points >= ENOUGH[part]}


def _with_uses(located: Found, candidates: list[Candidate]) -> list[Candidate]:
    """Return all candidates for the data set or the LSTM, with a higher score for those in the
    LSTM's training file or in a file that this file imports.
    """
    training = located.parts.get("train")
    if training is None:
        return candidates
    return [_with_use(located.code, candidate, training) for candidate in candidates]


def _choose_by_name(located: Found, part: Part, candidates: list[Candidate]) -> None:
    """Choose a part's file by file name, from the files that were not chosen for another part.

    A file that the LSTM's training file imports counts as part of the training and cannot be chosen
    for the GAN. Conversely, a file that the GAN's file imports cannot be chosen for the data set,
    the LSTM or its training.

    Args:
        candidates: the candidates that were found by their contents; a file that contains a
            candidate with a negative score is excluded, even if its name fits the part.
    """
    excluded = set(map(_path, located.parts.values()))
    for candidate in candidates:
        if candidate.points < 0:
            excluded.add(candidate.path)
    other_training = located.parts.get("train" if part == "gan" else "gan")
    if other_training:
        excluded |= located.code.reached.get(other_training.path, set())
    named = []
    for path in located.code.text:
        if path.stem.lower() in NAMES[part] and path not in excluded:
            named.append(Candidate(path, _points_of_file(located.code, part, path)))
    _take(located, part, named)


def _lstm_elsewhere(code: Code, path: PurePosixPath) -> str:
    """Return the full name, "module.name", of an LSTM that the file `path` imports from outside the
    submission; if there is none, return "".
    """
    facts = code.facts.get(path)
    if facts is None:
        return ""
    for imported in facts.imports:
        name = next(filter(_is_called_lstm, imported.names), None)
        if name is None or "torch" in imported.module:
            continue
        if not files_of_import(path, imported, code.facts):
            return f"{imported.module}.{name}"
    return ""


def _is_called_lstm(name: str) -> bool:
    return "lstm" in name.lower()


def _with_use(code: Code, candidate: Candidate, training: Candidate) -> Candidate:
    """Return the candidate, with a higher score if it is in the training file or in a file that the
    training file imports.
    """
    if candidate.path not in {training.path, *code.reached[training.path]}:
        return candidate
    named = candidate.name in code.facts[training.path].words
    return Candidate(candidate.path, candidate.points + USED * (1 + named), candidate.name)


def _choose(located: Found, part: Part, candidates: list[Candidate]) -> None:
    """Choose the best candidate for a part of the assignment, from those whose score is high
    enough.
    """
    rated, weak = [], []
    for candidate in candidates:
        if candidate.points >= ENOUGH[part]:
            points = candidate.points + _points_of_file(located.code, part, candidate.path)
            rated.append(Candidate(candidate.path, points, candidate.name))
        elif candidate.points > 0:
            weak.append(candidate)
    _take(located, part, rated)
    rated_paths = set(map(_path, rated))
    for candidate in sorted(weak, key=attrgetter("points"), reverse=True):
        if candidate.path not in rated_paths:
            located.close[part].append(candidate)


def _take(located: Found, part: Part, candidates: list[Candidate]) -> None:
    """Choose the candidate with the highest score for a part.

    If several candidates share the highest score and have the same code, the file nearest to the
    top folder is chosen. If the code of these candidates differs, no candidate is chosen.
    """
    chosen = [candidate for candidate in candidates if candidate.path == located.chosen]
    ordered = sorted(chosen or candidates, key=_rank)
    best = [candidate for candidate in ordered if candidate.points == ordered[0].points]
    names = {candidate.name for candidate in best}
    if len(names) > 1 or not _mean_the_same(located.code, set(map(_path, best))):
        located.equal[part] = best
    elif best:
        located.parts[part] = best[0]
    located.close[part] = ordered[len(best) :] + located.close.get(part, [])


def _path(candidate: Candidate) -> PurePosixPath:
    return candidate.path


def _rank(candidate: Candidate) -> tuple[float, int, str]:
    """Return a candidate's sort key: higher scores come first, then files nearer to the top folder,
    then paths in alphabetical order.
    """
    return -candidate.points, len(candidate.path.parts), str(candidate.path)


def _mean_the_same(code: Code, paths: set[PurePosixPath]) -> bool:
    """Return True if all the given files contain the same code and import files with the same code;
    comments and layout may differ.
    """
    if len(paths) < 2:
        return True
    imported = {path: code.reached.get(path, set()) - {path} for path in paths}
    files = paths.union(*imported.values())
    digests = {file: _digest(code, file) for file in files}
    meanings = set()
    for path in paths:
        meanings.add((digests[path], *sorted(map(digests.__getitem__, imported[path]))))
    return len(meanings) == 1


def _digest(code: Code, path: PurePosixPath) -> str:
    """Return the SHA-256 of a file's syntax tree, or of the text if the file is not Python."""
    tree = parsed(code.text[path])
    if tree is None:
        return sha256(code.text[path].encode())
    return sha256(ast.dump(tree).encode())


def _points_of_file(code: Code, part: Part, path: PurePosixPath) -> float:
    """Return the part of a file's score that depends on its name, less any deductions. Points are
    deducted if the file is a notebook, looks like an old copy or a test, or contains unfinished
    code.
    """
    stem = path.stem.lower()
    points: float = 0
    if stem == FILES[part].removesuffix(".py"):
        points = NAMED
    elif stem in NAMES[part]:
        points = ALIKE
    if path.suffix.lower() == SUFFIX:
        points += NOTEBOOK
    if not OLD_WORDS.isdisjoint(re.split(r"[\W_]+", str(path.with_suffix("")).lower())):
        points += OLD
    facts = code.facts.get(path)
    if facts is None:
        return points
    if facts.to_do:
        points += UNFINISHED
    if stem.startswith("test_") or not facts.words.isdisjoint({"pytest", "unittest"}):
        points += TEST
    return points
