"""What is asked about: facts about lines and about changes of them, each found by a run."""

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, StudentError
from toolkit.assignment.check.submission import Submission
from toolkit.assignment.viva.edits import KINDS, Edit, edits
from toolkit.assignment.viva.questions import Facts

BATCH = 7  # items in a batch, where the code takes that
MAX_USERS = 2  # scripts that use a file which trains nothing
MAX_EACH = 16  # changes of a kind that are tried
MAX_SECONDS = 8.0  # of processor time for a run
MAX_TRYING = 6.0  # the same for all changes of a script; the last one may take longer
CLEAR = 1e-4  # of a loss: another one differs by as much, and the same one by nothing
FEWER = 600  # digits in one of the runs, to tell what depends on how many there are
Run = dict[str, Any]  # what the child's `watch` returns


class Runs:
    """Runs the scripts that train, each time in a new process, and finds facts about them.

    Args:
        root: where the child has its copy of the submission.
        seed: chooses the changes that are tried.
    """

    def __init__(self, submission: Submission, host: Host, root: str, seed: int) -> None:
        self._submission, self._host, self._root, self._seed = submission, host, root, seed

    def facts(self) -> Iterator[Facts]:
        """What the scripts tell, as far as they train."""
        for part, located in self._submission.parts.items():
            files = (located.file, *located.users[:MAX_USERS]) if part in ("train", "gan") else ()
            for file, batch in ((file, batch) for file in files for batch in (BATCH, None)):
                how: Run = {"file": file, "batch": batch, "game": part == "gan"}
                run = self._run(**how)
                theirs = [one["at"][0] is not None for one in run.get("passes", ())]
                if len(theirs) > 1 and all((*theirs, run["whole"])) and run["ended"] != "error":
                    yield self._facts(run, how)
                    break

    def _run(self, seed: int = 0, most: int | None = None, **how: Any) -> Run:
        """Empty if the process did not live so long; with at most so many digits."""
        self._host.helps["digits"] = lambda train: {k: x[:most] for k, x in digits(train).items()}
        try:
            with self._host.student("train", self._root) as student:
                how |= {"there": self._submission.there, "max_seconds": MAX_SECONDS}
                run: Run = student.ask("watch", seed=seed, **how)
                return run
        except (Gone, StudentError):
            return {}

    def _facts(self, run: Run, how: Mapping[str, Any]) -> Facts:
        places = [tuple(one["at"]) for one in run["passes"]]
        firsts = sorted({place: places.index(place) for place in places}.values())
        two = firsts[-2:] if len(firsts) > 1 else [0, 1]
        known = about_lines(run, self._run(**how, seed=1), self._run(**how, most=FEWER))
        batch, how = how["batch"], {**how, "passes": two[1] + 1}
        how["batch"] = None  # for a change may be one of the batch
        base = self._run(**how)
        passes, spent = base.get("passes", []), 2 * base.get("cpu", MAX_SECONDS)
        is_quick = len(passes) > two[1] and spent < MAX_TRYING
        same = outcome(passes, two, self._run(**how)) if is_quick else None
        states = {tuple(one["at"]): one["random"] for one in run["lines"]}
        for edit in self._edits(states) if same == "neither" else ():
            if spent > MAX_TRYING:
                break
            if edit.at == places[two[1]] != places[two[0]]:  # the second loss is there by then
                continue
            other = self._run(**how, edit={edit.at[0]: edit.text})
            spent += other.get("cpu", MAX_SECONDS)
            if what := outcome(passes, two, other):
                known.setdefault(edit.kind, {})[edit.at] = what
        return Facts(how["file"], batch, [k + 1 for k in two], known)

    def _edits(self, states: Mapping[Any, int]) -> Iterator[Edit]:
        """Changes in lines that ran, with the state of chance after each; kind after kind."""
        every, rng = list[Edit](), random.Random(self._seed)
        for file in sorted({file for file, _ in states}):
            text = (self._submission.root / file).read_text(encoding="utf-8-sig", errors="replace")
            every += edits(file, text, states)
        rng.shuffle(every)
        for kind in rng.sample(KINDS, len(KINDS)):
            yield from [edit for edit in every if edit.kind == kind][:MAX_EACH]


def about_lines(run: Run, again: Run, fewer: Run) -> dict[str, dict[Any, Any]]:
    """Facts about single lines, without those that chance or the number of digits decides.

    Args:
        again: the same with other random numbers.
        fewer: the same with fewer digits.
    """
    known: dict[str, dict[Any, Any]] = {}
    other, less = ({tuple(x["at"]): x for x in r.get("lines", ())} for r in (again, fewer))
    for one in run["lines"]:
        at, shape = tuple(one["at"]), one.get("shape", [])
        seen, also = other.get(at, {}), less.get(at, {})
        if math.prod(shape) > 1 and shape == seen.get("shape") and one["numbers"] is not None:
            known.setdefault("again", {})[at] = one["numbers"] == seen["numbers"]
        for name in one.keys() - {"at", "numbers", "random"}:
            if one[name] is not None and one[name] == seen.get(name) == also.get(name):
                value = tuple(one[name]) if isinstance(one[name], list) else one[name]
                known.setdefault(name, {})[at] = value
    return known


def outcome(passes: list[Run], two: list[int], run: Run) -> str | None:
    """What a change does to two losses; None where that is not clear, or may be chance."""
    pairs = list(zip(passes, run.get("passes", ()), strict=False))
    if not run or any(a["at"] != b["at"] or None in (a["value"], b["value"]) for a, b in pairs):
        return None
    moved = [abs(a["value"] - b["value"]) / (abs(a["value"]) or 1.0) for a, b in pairs]
    if run["ended"] == "error" and not any(moved):
        return "stops"
    if len(pairs) < len(passes) or any(a["random"] != b["random"] for a, b in pairs):
        return None
    if not all(one == 0 or one > CLEAR for one in moved):  # nan is neither
        return None
    return "first" if moved[two[0]] else "second" if moved[two[1]] else "neither"
