"""Facts about individual lines of a student's code, obtained by running the code."""

import math
import random
from collections.abc import Iterator, Mapping
from itertools import starmap
from typing import Any

from toolkit.assignment.asking.host import Gone, Host, StudentError
from toolkit.assignment.handin.submission import Submission
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.viva.edits import KINDS, CodeLine, Edit, edits
from toolkit.assignment.viva.questions import ScriptFacts

BATCH = 7  # items in a batch, if the code accepts this size
MAX_USERS = 2  # scripts that use a file which trains nothing
MAX_EACH = 16  # changes of each kind that are tried
MAX_SECONDS = 8.0  # of processor time for a run
MAX_TRYING = 6.0  # the same for all changes of a script; the last one may take longer
CLEAR = 1e-4  # a clear relative difference of two losses is 0 or larger than this
FEWER = 600  # digits in one of the runs, to find the facts that depend on their number
Run = dict[str, Any]  # the result of the child's `watch`


class Runs:
    """The runs of a submission's training scripts, from which facts about the code are collected.

    Each run takes place in a new process.

    Args:
        root: the path at which the child process sees the submission.
        seed: the seed that determines which changes are tried.
    """

    def __init__(self, submission: Submission, host: Host, root: str, seed: int) -> None:
        self._submission, self._host, self._root, self._seed = submission, host, root, seed

    def facts(self) -> Iterator[ScriptFacts]:
        """Run each training script, with `BATCH` items in a batch if the code accepts this size,
        and yield facts about it.
        """
        for part, located in self._submission.parts.items():
            if part not in ("train", "gan"):
                continue
            for file in (located.file, *located.users[:MAX_USERS]):
                for batch in (BATCH, None):
                    options: Run = {"file": file, "batch": batch, "game": part == "gan"}
                    run = self._run(**options)
                    if _is_usable(run):
                        yield self._facts(run, options)
                        break

    def _run(self, seed: int = 0, max_digits: int | None = None, **options: Any) -> Run:
        """Run a script in a new process.

        Returns:
            the process's reply, or {} if the process died, could not run the script, or named a
            line of code that is not in the submission.
        """

        def fewer_digits(train: bool) -> dict[str, Any]:
            return {name: values[:max_digits] for name, values in digits(train).items()}

        self._host.helps["digits"] = fewer_digits
        options |= {"existing": self._submission.existing, "max_seconds": MAX_SECONDS}
        try:
            with self._host.child("train", self._root) as child:
                run: Run = {**child.ask.watch(seed=seed, **options)}
                if not self._is_theirs(run):
                    return {}
                return run
        except (Gone, StudentError):
            return {}

    def _is_theirs(self, run: Run) -> bool:
        """Return True if the result of a run refers only to lines of code that belong to the
        submission.

        The toolkit must not read files outside the submission.
        """
        places = {tuple(step["at"]) for step in (*run["passes"], *run["lines"])}
        return all(self._submission.has_place(file, line) for file, line in places)

    def _facts(self, run: Run, options: Mapping[str, Any]) -> ScriptFacts:
        again, fewer = self._run(**options, seed=1), self._run(**options, max_digits=FEWER)
        known = about_lines(run, again, fewer)
        places = [tuple(step["at"]) for step in run["passes"]]
        first, second = _two_losses(places)
        states = {tuple(line["at"]): line["random"] for line in run["lines"]}
        # A change to the line of the second loss alone would take effect after this loss.
        comes_too_late = {places[second]} - {places[first]}
        changes = (edit for edit in self._edits(states) if edit.at not in comes_too_late)
        # A change may concern the size of a batch, so the code keeps its own batch size.
        unchanged = {**options, "passes": second + 1, "batch": None}
        for edit, effect in self._effects(changes, unchanged, [first, second]):
            known.setdefault(edit.kind, {})[edit.at] = effect
        return ScriptFacts(options["file"], options["batch"], [first + 1, second + 1], known)

    def _effects(
        self, changes: Iterator[Edit], options: Mapping[str, Any], losses: list[int]
    ) -> Iterator[tuple[Edit, str]]:
        """Try one change to the student's code after another until a time limit is reached, and
        yield each change whose effect is clear, together with this effect.
        """
        base = self._run(**options)
        passes, seconds = base.get("passes", []), 2 * base.get("cpu", MAX_SECONDS)
        if len(passes) <= losses[1] or seconds >= MAX_TRYING:
            return
        if outcome(passes, losses, self._run(**options)) != "neither":
            return  # a second run of the same code gives other losses
        for edit in changes:
            if seconds > MAX_TRYING:
                return
            changed = self._run(**options, edit={edit.at[0]: edit.text})
            seconds += changed.get("cpu", MAX_SECONDS)
            effect = outcome(passes, losses, changed)
            if effect:
                yield edit, effect

    def _edits(self, states: Mapping[Any, int]) -> Iterator[Edit]:
        """Yield possible changes to the lines that ran, one kind of change after another.

        Args:
            states: for each line that ran, the state of the random number generators right after
                its first run.
        """
        rng = random.Random(self._seed)
        possible: list[Edit] = []
        for file in sorted({file for file, _ in states}):
            text = (self._submission.root / file).read_text(encoding="utf-8-sig", errors="replace")
            possible += edits(file, text, states)
        rng.shuffle(possible)
        for kind in rng.sample(KINDS, len(KINDS)):
            yield from [edit for edit in possible if edit.kind == kind][:MAX_EACH]


def _is_usable(run: Run) -> bool:
    """Return True if a run is complete and has at least two backward passes, all started in the
    student's files.
    """
    passes = run.get("passes", ())
    if len(passes) < 2 or not run["whole"] or run["ended"] == "error":
        return False
    return all(step["at"][0] is not None for step in passes)


def _two_losses(places: list[CodeLine]) -> list[int]:
    """Return the indices of the two backward passes whose losses are used to measure the effect of
    a code change.

    If all backward passes start on the same line of code, the first two passes are used. Otherwise,
    the function finds the first pass that starts on each line, and uses the last two of the passes
    found.
    """
    firsts = sorted({places.index(place) for place in places})
    if len(firsts) > 1:
        return firsts[-2:]
    return [0, 1]


def about_lines(run: Run, again: Run, fewer: Run) -> dict[str, dict[Any, Any]]:
    """Return, for each line, the facts that are the same in three runs of a script, and whether the
    line's numbers depend on the seed.

    Args:
        again: a run of the same script with other random numbers.
        fewer: a run of the same script with fewer MNIST images in the data set.
    """
    known: dict[str, dict[Any, Any]] = {}
    lines_again, lines_of_fewer = _by_place(again), _by_place(fewer)
    for line in run["lines"]:
        at, shape = tuple(line["at"]), line.get("shape", [])
        line_again, line_of_fewer = lines_again.get(at, {}), lines_of_fewer.get(at, {})
        same_shape = math.prod(shape) > 1 and shape == line_again.get("shape")
        if same_shape and line["numbers"] is not None:
            known.setdefault("again", {})[at] = line["numbers"] == line_again["numbers"]
        for name in line.keys() - {"at", "numbers", "random"}:
            value = line[name]
            if value is None or not value == line_again.get(name) == line_of_fewer.get(name):
                continue
            if isinstance(value, list):
                value = tuple(value)
            known.setdefault(name, {})[at] = value
    return known


def _by_place(run: Run) -> dict[CodeLine, Run]:
    return {tuple(line["at"]): line for line in run.get("lines", ())}


def outcome(passes: list[Run], losses: list[int], run: Run) -> str | None:
    """Return the effect of a code change on two losses, or None if the effect is unclear or varies
    from run to run.

    Args:
        passes: what was recorded at each backward pass when the unchanged code ran.
        losses: the indices of the two backward passes whose losses are compared between the
            unchanged and the changed code.
        run: what was recorded when the changed code ran; empty if the run gave no result.
    """
    if not run:
        return None
    pairs = list(zip(passes, run.get("passes", ()), strict=False))
    if not all(starmap(_are_comparable, pairs)):
        return None
    differences = list(starmap(_difference, pairs))
    if run["ended"] == "error" and not any(differences):
        return "stops"
    same_random = len(pairs) == len(passes) and all(starmap(_have_same_random, pairs))
    if not same_random or not all(map(_is_clear, differences)):
        return None
    if differences[losses[0]]:
        return "first"
    return "second" if differences[losses[1]] else "neither"


def _are_comparable(before: Run, after: Run) -> bool:
    """Return True if two backward passes start on the same line and both losses are known."""
    return before["at"] == after["at"] and None not in (before["value"], after["value"])


def _have_same_random(before: Run, after: Run) -> bool:
    return bool(before["random"] == after["random"])


def _difference(before: Run, after: Run) -> float:
    """Return the difference between two losses, relative to the first loss."""
    size = abs(before["value"]) or 1.0
    return float(abs(before["value"] - after["value"]) / size)


def _is_clear(difference: float) -> bool:
    return difference == 0 or difference > CLEAR  # nan is neither
