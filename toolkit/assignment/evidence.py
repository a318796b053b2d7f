"""The evidence that a file is a part of the assignment, and its weights: the table `EVIDENCE`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath

from toolkit.assignment.facts import Definition, Facts, closure, facts_of, imported_files
from toolkit.assignment.notebooks import SUFFIX, BrokenNotebook, Notebook, decoded, read_notebook
from toolkit.assignment.parts import Part, is_theirs

# What each piece of evidence is worth; ENOUGH is what a part must have at least.
EVIDENCE: dict[Part, dict[str, float]] = {
    "dataset": {  # of each class or function
        "gives items": 2,
        "is called a palindrome": 4,
        "mirrors": 2,
        "derives from Dataset": 1,
        "has images": -4,
        "is no class": -2,
    },
    "lstm": {  # of each class that is a network
        "is called LSTM": 4,
        "has sigmoid and tanh": 3,
        "loops": 2,
        "has a forward": 0.5,
        "is torch's own": -4,
        "is used by another network": -5,
        "draws or judges images": -6,
    },
    "train": {  # of each file
        "steps": 3,
        "imports what steps": 2,
        "has the cross-entropy": 1,
        "has the LSTM": 3,
        "imports what has the LSTM": 1,
        "has the palindromes": 3,
        "imports what has the palindromes": 1,
        "has a discriminator": -3,
        "runs": 4,
    },
    "gan": {  # of each file
        "has a generator and a discriminator": 3,
        "imports a generator and a discriminator": 1,
        "steps": 4,
        "imports what steps": 2,
        "has images": 2,
        "has noise": 1,
        "runs": 4,
    },
}
ENOUGH: dict[Part, float] = {"dataset": 4, "lstm": 4, "train": 5, "gan": 4}

CROSS_ENTROPY = {"crossentropyloss", "cross_entropy", "nllloss", "nll_loss"}
GIVE = {"__getitem__", "__iter__", "__next__"}
IMAGES = {"torchvision", "mnist", "fashionmnist"}
NOISE = {"randn", "randn_like", "normal", "noise", "latent_dim", "z_dim", "nz"}
DRAWS = re.compile(r"generator|decoder|^(gen|netg|net_g|g_net|gnet)(_|$)")
JUDGES = re.compile(r"scriminator|critic|^(dis|disc|dsc|netd|net_d|d_net|dnet)(_|$)")

MAX_FILES = 300  # are read, the least deep first
MAX_DEFINITIONS = 1000  # of all of them count: each may use all others

Class = tuple[PurePosixPath, str | None]  # a file and a name in it


@dataclass(frozen=True)
class Candidate:
    """A file that may be a part, or a class in it that makes it one."""

    path: PurePosixPath
    points: float
    name: str | None = None


@dataclass
class Code:
    """The Python files and notebooks of one submission, read once; all by their path.

    `text` is the Python in them, `facts` what it says, `imports` the files that it imports and
    `reached` those that these import too. `notebooks` are those and the files that they write:
    which notebook it was, and its code. `broken` says why a notebook cannot be read, `roles`
    whether there is something that draws images, and something that judges them.
    """

    text: dict[PurePosixPath, str] = field(default_factory=dict)
    facts: dict[PurePosixPath, Facts] = field(default_factory=dict)
    imports: dict[PurePosixPath, list[PurePosixPath]] = field(default_factory=dict)
    reached: dict[PurePosixPath, set[PurePosixPath]] = field(default_factory=dict)
    notebooks: dict[PurePosixPath, tuple[PurePosixPath, Notebook]] = field(default_factory=dict)
    broken: dict[PurePosixPath, str] = field(default_factory=dict)
    roles: dict[PurePosixPath, tuple[bool, bool]] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Mapping[PurePosixPath, bytes]) -> "Code":
        """Read a submission; the toolkit's own notebook is left out."""
        code = cls()
        environments = {path.parent for path in files if path.name == "pyvenv.cfg"}
        theirs = (
            path
            for path in sorted(files, key=lambda path: (len(path.parts), str(path)))
            if is_code(path) and is_theirs(path) and environments.isdisjoint(path.parents)
        )
        for path in islice(theirs, MAX_FILES):
            if path.suffix.lower() == SUFFIX:
                code._read_notebook(path, files[path], files)
            else:
                code.text[path] = decoded(files[path])
        left = MAX_DEFINITIONS
        for path, text in list(code.text.items()):
            if (facts := facts_of(text, left)) is None:
                continue
            is_notebook = path.suffix.lower() == SUFFIX and not facts.definitions
            if is_notebook and any(i.module.partition(".")[0] == "toolkit" for i in facts.imports):
                del code.text[path]  # the toolkit's own, which shows the results of runs
            else:
                code.facts[path] = facts
                left -= len(facts.definitions)
        code.roles = {path: code._roles(path) for path in code.facts}
        code.imports = {p: imported_files(p, facts, code.facts) for p, facts in code.facts.items()}
        code.reached = {path: code._reach(path) for path in code.facts}
        return code

    def _read_notebook(
        self, path: PurePosixPath, data: bytes, files: Mapping[PurePosixPath, bytes]
    ) -> None:
        try:
            notebook = read_notebook(data)
        except BrokenNotebook as error:
            notebook = Notebook()
            self.broken[path] = str(error)
        self.text[path] = notebook.source
        self.notebooks[path] = (path, notebook)
        for name, written in notebook.files.items():
            place = path.parent / PurePosixPath(name).name
            if place not in files and place not in self.text:
                self.text[place] = written.source
                self.notebooks[place] = (path, written)

    def _reach(self, path: PurePosixPath) -> set[PurePosixPath]:
        seen, waiting = {path}, [path]
        while waiting:
            new = set(self.imports[waiting.pop()]) - seen
            seen |= new
            waiting += new
        return seen - {path}

    def visible(self, path: PurePosixPath) -> dict[str, Definition]:
        """The definitions that a file has, or imports."""
        files = [*reversed(self.imports[path]), path]
        return {d.name: d for file in files for d in self.facts[file].definitions}

    def has(self, path: PurePosixPath, words: set[str]) -> bool:
        """True if a file has one of these words, in small letters."""
        return not {word.lower() for word in self.facts[path].words}.isdisjoint(words)

    def names(self, path: PurePosixPath, classes: set[Class]) -> bool:
        """True if a file defines one of these classes, or names one that it imports."""
        reached = {path, *self.reached[path]}
        return any(file in reached and name in self.facts[path].words for file, name in classes)

    def steps(self, path: PurePosixPath) -> bool:
        """True if a file steps an optimiser, or defines a module that a Trainer steps."""
        facts = self.facts[path]
        return {"step", "backward"} <= facts.words or any(d.trains for d in facts.definitions)

    def has_both(self, *paths: PurePosixPath) -> bool:
        """True if the files have a generator and a discriminator, or two optimisers that play."""
        return all(map(any, zip(*(self.roles[path] for path in paths), strict=True)))

    def _roles(self, path: PurePosixPath) -> tuple[bool, bool]:
        """A pair: by its names, the file has a generator; and it has a discriminator."""
        words = self.facts[path].words
        both = {"G", "D"} <= words or self._plays(path)
        draws, judges = (any(name.search(w.lower()) for w in words) for name in (DRAWS, JUDGES))
        return both or draws, both or judges

    def _plays(self, path: PurePosixPath) -> bool:
        """True if two optimisers step on noise and images, whatever the networks are called."""
        two = len(self.facts[path].steppers) > 1
        return two and self.has(path, NOISE) and self.has(path, IMAGES)


def is_code(path: PurePosixPath) -> bool:
    """True if a file may be a part by its name: Python or a notebook."""
    return path.suffix.lower() in (".py", SUFFIX)


def datasets(code: Code) -> Iterator[Candidate]:
    """Each class that gives items, and each function that mirrors."""
    for path, facts in code.facts.items():
        visible = code.visible(path)
        for d in facts.definitions:
            gives = not d.methods.isdisjoint(GIVE) or "TensorDataset" in d.bases
            if not gives and (d.is_class or not d.mirrors):
                continue
            words, _, mirrors = closure(d, visible)
            evidence = {
                "gives items": gives,
                "is called a palindrome": "palindrom" in d.name.lower(),
                "mirrors": mirrors,
                "derives from Dataset": any("Dataset" in base for base in d.bases),
                "has images": not {word.lower() for word in words}.isdisjoint(IMAGES),
                "is no class": not d.is_class,
            }
            yield Candidate(path, _points("dataset", evidence), d.name)


def networks(code: Code) -> Iterator[Candidate]:
    """Each class that is a network, as an LSTM."""
    all_networks = [
        (path, d) for path, facts in code.facts.items() for d in facts.definitions if d.is_network
    ]
    names = {file: {d.name for d in facts.definitions} for file, facts in code.facts.items()}
    used = {
        (file, word)
        for path, d in all_networks
        if not d.trains
        for file in (path, *code.imports[path])
        for word in (d.words & names[file]) - {d.name}
    }
    for path, d in all_networks:
        visible = code.visible(path)
        words, loops, _ = closure(d, visible)
        name = d.name.lower()
        evidence = {
            "is called LSTM": "lstm" in name,
            "has sigmoid and tanh": {"sigmoid", "tanh"} <= {word.lower() for word in words},
            "loops": loops,
            "has a forward": "forward" in d.methods,
            "is torch's own": d.torchs_own,
            "is used by another network": (path, d.name) in used,
            "draws or judges images": bool(DRAWS.search(name) or JUDGES.search(name)),
        }
        yield Candidate(path, _points("lstm", evidence), d.name)


def trainings(code: Code, lstms: set[Class], palindromes: set[Class]) -> Iterator[Candidate]:
    """Each file that takes a step, itself or by what it imports, with one of these classes."""
    for path, facts in code.facts.items():
        reached = code.reached[path]
        steps, later = code.steps(path), any(map(code.steps, reached))
        has_lstm, has_data = code.names(path, lstms), code.names(path, palindromes)
        late_lstm = any(code.names(file, lstms) for file in reached)
        late_data = any(code.names(file, palindromes) for file in reached)
        if not (steps or later) or not (has_lstm or has_data or late_lstm or late_data):
            continue
        evidence = {
            "steps": steps,
            "imports what steps": later and not steps,
            "has the cross-entropy": code.has(path, CROSS_ENTROPY),
            "has the LSTM": has_lstm,
            "imports what has the LSTM": late_lstm and not has_lstm,
            "has the palindromes": has_data,
            "imports what has the palindromes": late_data and not has_data,
            "has a discriminator": code.has_both(path) and not has_data,
            "runs": facts.runs,
        }
        yield Candidate(path, _points("train", evidence))


def gans(code: Code) -> Iterator[Candidate]:
    """Each file with a generator and a discriminator, its own or imported ones."""
    for path, facts in code.facts.items():
        reached = code.reached[path]
        both = code.has_both(path)
        later = code.has_both(path, *reached)
        if not later:
            continue
        steps = code.steps(path)
        evidence = {
            "has a generator and a discriminator": both,
            "imports a generator and a discriminator": not both,
            "steps": steps,
            "imports what steps": any(map(code.steps, reached)) and not steps,
            "has images": code.has(path, IMAGES),
            "has noise": code.has(path, NOISE),
            "runs": facts.runs,
        }
        yield Candidate(path, _points("gan", evidence))


def _points(part: Part, evidence: Mapping[str, bool]) -> float:
    return sum(EVIDENCE[part][what] for what, holds in evidence.items() if holds)
