"""Functions that collect the evidence that a file contains a given part of the assignment, and add
up the points that `EVIDENCE` assigns to each piece of evidence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from itertools import islice
from pathlib import PurePosixPath

from toolkit.assignment.handin.facts import Definition, Facts, closure, facts_of, imported_files
from toolkit.assignment.handin.notebooks import (
    SUFFIX,
    BrokenNotebook,
    Notebook,
    decoded,
    read_notebook,
)
from toolkit.assignment.running.parts import Part, is_theirs

# The points for each piece of evidence; ENOUGH has the fewest points that make a part.
EVIDENCE: dict[Part, dict[str, float]] = {
    "dataset": {  # of each class or function
        "gives items": 2,
        "is called a palindrome": 4,
        "mirrors": 2,
        "derives from Dataset": 1,
        "has images": -4,
        "is not a class": -2,
    },
    "lstm": {  # of each class that is a network
        "is called LSTM": 4,
        "has sigmoid and tanh": 3,
        "loops": 2,
        "has a forward": 0.5,
        "is torch's own": -4,
        "is a plain RNN": -6,
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

COMPILED = {*BYTECODE_SUFFIXES, *(PurePosixPath(f"_{end}").suffix for end in EXTENSION_SUFFIXES)}

MAX_FILES = 300  # read in a submission, the top folder first
MAX_DEFINITIONS = 1000  # read in all files together: each may use all others

Class = tuple[PurePosixPath, str | None]  # a file and a name in it


@dataclass(frozen=True)
class Candidate:
    """A file, or a class or function in a file, that may implement a part of the assignment."""

    path: PurePosixPath
    points: float
    name: str | None = None


@dataclass
class Code:
    """The Python files and notebooks of a submission, each of which is read only once.

    Each attribute is a dictionary whose keys are file paths.

    Attributes:
        text: the Python code.
        facts: the definitions and names in the file.
        imports: the files that the file imports.
        reached: the files that the file imports directly or indirectly.
        notebooks: for each notebook and each file that a notebook writes, two values: the
            notebook's path, and the code extracted from the notebook or from the written file.
        broken: for each unreadable notebook, the reason why it cannot be read.
        roles: two flags; the first is True if the file has a generator, the second if it has a
            discriminator.
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
        """Read the code of a submission, except notebooks that import this toolkit and define no
        class or function themselves.
        """
        code = cls()
        for path in islice(_code_files(files), MAX_FILES):
            if path.suffix.lower() == SUFFIX:
                code._read_notebook(path, files[path], files)
            else:
                code.text[path] = decoded(files[path])
        code._read_facts()
        for path, facts in code.facts.items():
            code.roles[path] = code._roles(path)
            code.imports[path] = imported_files(path, facts, code.facts)
        for path in code.facts:
            code.reached[path] = code._reach(path)
        return code

    def _read_facts(self) -> None:
        """Read the definitions in all files, at most `MAX_DEFINITIONS` in total."""
        definitions_left = MAX_DEFINITIONS
        for path, text in list(self.text.items()):
            facts = facts_of(text, definitions_left)
            if facts is None:
                continue
            if path.suffix.lower() == SUFFIX and _shows_results(facts):
                del self.text[path]
            else:
                self.facts[path] = facts
                definitions_left -= len(facts.definitions)

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
        """Return the files that a file imports, directly or indirectly."""
        reached, waiting = {path}, [path]
        while waiting:
            new = set(self.imports[waiting.pop()]) - reached
            reached |= new
            waiting += new
        return reached - {path}

    def visible(self, path: PurePosixPath) -> dict[str, Definition]:
        """Return the definitions that a file contains or imports, by name."""
        definitions: dict[str, Definition] = {}
        for file in (*reversed(self.imports[path]), path):
            for definition in self.facts[file].definitions:
                definitions[definition.name] = definition
        return definitions

    def has(self, path: PurePosixPath, words: set[str]) -> bool:
        """Return True if a file contains one of the given words, regardless of case.

        Args:
            words: in lower case.
        """
        return not words.isdisjoint(map(str.lower, self.facts[path].words))

    def names(self, path: PurePosixPath, classes: set[Class]) -> bool:
        """Return True if a file defines, or imports and uses, one of the given classes."""
        reached = {path, *self.reached[path]}
        return any(file in reached and name in self.facts[path].words for file, name in classes)

    def any_names(self, paths: set[PurePosixPath], classes: set[Class]) -> bool:
        """Return True if the method `names` returns True for any of the given files."""
        return any(self.names(path, classes) for path in paths)

    def steps(self, path: PurePosixPath) -> bool:
        """Return True if a file seems to train a network: it uses `backward` and `step`, or it
        defines a module for Lightning's Trainer.
        """
        facts = self.facts[path]
        if {"step", "backward"} <= facts.words:
            return True
        return any(definition.trains for definition in facts.definitions)

    def has_both(self, *paths: PurePosixPath) -> bool:
        """Return True if the given files together contain a generator and a discriminator."""
        roles = map(self.roles.__getitem__, paths)
        return all(map(any, zip(*roles, strict=True)))

    def _roles(self, path: PurePosixPath) -> tuple[bool, bool]:
        """Guess from the names in a file whether it has a generator and whether it has a
        discriminator.
        """
        words = self.facts[path].words
        if {"G", "D"} <= words or self._plays(path):
            return True, True
        lowered = list(map(str.lower, words))
        return any(map(DRAWS.search, lowered)), any(map(JUDGES.search, lowered))

    def _plays(self, path: PurePosixPath) -> bool:
        """Return True if a file uses noise, images and at least two optimisers, and so probably
        contains a GAN.
        """
        are_two = len(self.facts[path].steppers) > 1
        return are_two and self.has(path, NOISE) and self.has(path, IMAGES)


def _code_files(files: Mapping[PurePosixPath, bytes]) -> Iterator[PurePosixPath]:
    """Yield the Python files and notebooks that a student may have written, top folder first."""
    environments = {path.parent for path in files if path.name == "pyvenv.cfg"}
    for path in sorted(files, key=_depth_and_name):
        if is_code(path) and is_theirs(path) and environments.isdisjoint(path.parents):
            yield path


def _depth_and_name(path: PurePosixPath) -> tuple[int, str]:
    return len(path.parts), str(path)


def _shows_results(facts: Facts) -> bool:
    """Return True if a file imports the toolkit and defines nothing itself."""
    modules = {imported.module.partition(".")[0] for imported in facts.imports}
    return not facts.definitions and "toolkit" in modules


def is_code(path: PurePosixPath) -> bool:
    """Return True if a path has the suffix of a Python file or of a notebook."""
    return path.suffix.lower() in (".py", SUFFIX)


def is_compiled(path: PurePosixPath) -> bool:
    """Return True if a path has the suffix of a compiled module that Python can import."""
    return path.suffix in COMPILED


def datasets(code: Code) -> Iterator[Candidate]:
    """Yield candidates for the data set of palindromes: classes that can be indexed or iterated
    over, and functions that reverse a sequence (as functions that make palindromes usually do).
    """
    for path, facts in code.facts.items():
        visible = code.visible(path)
        for definition in facts.definitions:
            gives_items = not definition.methods.isdisjoint(GIVE)
            gives_items = gives_items or "TensorDataset" in definition.bases
            mirrors_only = definition.mirrors and not definition.is_class
            if not gives_items and not mirrors_only:
                continue
            words, _, mirrors = closure(definition, visible)
            evidence = {
                "gives items": gives_items,
                "is called a palindrome": "palindrom" in definition.name.lower(),
                "mirrors": mirrors,
                "derives from Dataset": "Dataset" in " ".join(definition.bases),
                "has images": not IMAGES.isdisjoint(map(str.lower, words)),
                "is not a class": not definition.is_class,
            }
            yield Candidate(path, _points("dataset", evidence), definition.name)


def networks(code: Code) -> Iterator[Candidate]:
    """Yield each network class as a candidate for the LSTM; its score says how strong the evidence
    is that it is the LSTM.
    """
    modules = []
    for path, facts in code.facts.items():
        modules += [(path, defined) for defined in facts.definitions if defined.is_network]
    used = _used_by_networks(code, modules)
    for path, module in modules:
        words, loops, _ = closure(module, code.visible(path))
        name = module.name.lower()
        evidence = {
            "is called LSTM": "lstm" in name,
            "has sigmoid and tanh": {"sigmoid", "tanh"}.issubset(map(str.lower, words)),
            "loops": loops,
            "has a forward": "forward" in module.methods,
            "is torch's own": module.torchs_own,
            "is a plain RNN": is_plain_rnn(name, words),
            "is used by another network": (path, module.name) in used,
            "draws or judges images": bool(DRAWS.search(name) or JUDGES.search(name)),
        }
        yield Candidate(path, _points("lstm", evidence), module.name)


def is_plain_rnn(name: str, words: Iterable[str]) -> bool:
    """Return True if a network's name contains "rnn" and its code mentions neither a sigmoid nor an
    LSTM.

    A plain RNN must not be mistaken for the LSTM: the assignment compares the two, and the class of
    the plain RNN is often in the training file.

    Args:
        name: the network's name in lower case.
        words: the names in the network's code.
    """
    if "rnn" not in name:
        return False
    mentioned = [name, *map(str.lower, words)]
    return not any("sigmoid" in word or "lstm" in word for word in mentioned)


def _used_by_networks(
    code: Code, modules: list[tuple[PurePosixPath, Definition]]
) -> set[tuple[PurePosixPath, str]]:
    """Return the classes and functions that are used in the code of network classes, each as a pair
    (file, name).

    LightningModules do not count as networks.
    """
    names = {}
    for path, facts in code.facts.items():
        names[path] = {definition.name for definition in facts.definitions}
    used = set()
    for path, module in modules:
        if module.trains:
            continue
        for file in (path, *code.imports[path]):
            for word in (module.words & names[file]) - {module.name}:
                used.add((file, word))
    return used


def trainings(code: Code, lstms: set[Class], palindromes: set[Class]) -> Iterator[Candidate]:
    """Yield a candidate for the file that trains the LSTM: each file that trains an LSTM, or that
    trains some network on palindromes.

    A file is also a candidate if it does not contain the training code itself, but imports a file
    that does, directly or indirectly.
    """
    for path, facts in code.facts.items():
        reached = code.reached[path]
        steps, imports_steps = code.steps(path), any(map(code.steps, reached))
        has_lstm, imports_lstm = code.names(path, lstms), code.any_names(reached, lstms)
        has_data, imports_data = code.names(path, palindromes), code.any_names(reached, palindromes)
        about_part_i = has_lstm or imports_lstm or has_data or imports_data
        if not about_part_i or not (steps or imports_steps):
            continue
        evidence = {
            "steps": steps,
            "imports what steps": imports_steps and not steps,
            "has the cross-entropy": code.has(path, CROSS_ENTROPY),
            "has the LSTM": has_lstm,
            "imports what has the LSTM": imports_lstm and not has_lstm,
            "has the palindromes": has_data,
            "imports what has the palindromes": imports_data and not has_data,
            "has a discriminator": code.has_both(path) and not has_data,
            "runs": facts.runs,
        }
        yield Candidate(path, _points("train", evidence))


def gans(code: Code) -> Iterator[Candidate]:
    """Yield each file that defines or imports a generator and a discriminator, as a candidate for
    the GAN.
    """
    for path, facts in code.facts.items():
        reached = code.reached[path]
        if not code.has_both(path, *reached):
            continue
        has_both = code.has_both(path)
        steps = code.steps(path)
        evidence = {
            "has a generator and a discriminator": has_both,
            "imports a generator and a discriminator": not has_both,
            "steps": steps,
            "imports what steps": any(map(code.steps, reached)) and not steps,
            "has images": code.has(path, IMAGES),
            "has noise": code.has(path, NOISE),
            "runs": facts.runs,
        }
        yield Candidate(path, _points("gan", evidence))


def _points(part: Part, evidence: Mapping[str, bool]) -> float:
    points: float = 0
    for piece, holds in evidence.items():
        if holds:
            points += EVIDENCE[part][piece]
    return points
