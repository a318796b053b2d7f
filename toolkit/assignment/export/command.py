"""Exports what a hand-in has: finds the weights, runs the code in the check's child, and writes."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch.export import ExportedProgram

from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, Student, StudentError
from toolkit.assignment.check.lstm.network import Network, WrongOutput
from toolkit.assignment.check.parent import import_judges
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.weights import Missing, Saved
from toolkit.assignment.parts import PARTS, Part
from toolkit.assignment.records.files import read_folder
from toolkit.common.device import needs_torch
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.scratch.directory import scratch_directory
from toolkit.export import torchscript
from toolkit.export.formats import convert, load_pt
from toolkit.export.manifest import FORMATS, Export, read_manifest
from toolkit.export.program import to_program
from toolkit.export.replacing import replace_exports

SECONDS = 120  # of CPU time for each part: importing torch's exporters takes some
IS_RNN = re.compile(r"^\s*class \w*RNN\w*\(", re.MULTILINE | re.IGNORECASE)
Progress = Callable[[str], None]
Find = Callable[[Student, Located, Verdicts], Network]  # what is to be exported, or a ToolkitError


def export(
    folder: Path, out: Path, chosen: Sequence[Path], progress: Progress, host: Host
) -> "Exporter":
    """Export the networks in a student's folder to `out`, a folder of exports like ours.

    Args:
        chosen: files with weights; by default those in the folder.
        progress: called with a sentence when a new piece of work begins.
        host: where their code runs.

    Returns:
        what became of it.

    Raises:
        UsageError: `folder` has none of the parts, or `out` has exports of the toolkit's own.
        ToolkitError: there are no weights, or something cannot be written.
    """
    needs_torch("Exporting a model")
    folder = Path(os.path.realpath(folder))
    if any("whose" not in entry for entry in read_manifest(out).values()):
        raise UsageError(f"{out} has the toolkit's own exports. Give another folder with --out.")
    import_judges()
    host.helps["digits"], host.limits = digits, dict.fromkeys(PARTS, SECONDS)
    with scratch_directory("export") as scratch:
        submission = prepare(folder, scratch)
        exporter = Exporter(submission, Saved(folder, submission.root, chosen), progress)
        parts = submission.parts
        rnn = next((Located(file) for file in submission.files if exporter.has_rnn(file)), None)
        work: list[tuple[Part, Any, Located | None]] = [
            ("lstm", partial(exporter.recurrent, "LSTM", lstm.proved), parts.get("lstm")),
            ("lstm", partial(exporter.recurrent, "RNN", lstm.find_rnn), rnn),
            ("gan", exporter.gan, parts.get("gan")),
        ]
        for part, do, located in work:
            if located is not None:
                with exporter.attempt(), host.student(part, str(submission.root)) as student:
                    do(student, located)
    if exporter.exports:
        replace_exports(exporter.exports, out)
    return exporter


@dataclass
class Exporter:
    """Exports the parts of one hand-in."""

    submission: Submission
    saved: Saved
    progress: Progress
    exports: list[Export] = field(default_factory=list)  # what can be written
    said: list[str] = field(default_factory=list)  # a sentence about each network
    refused: bool = False  # whether one that has weights could not be exported

    def has_rnn(self, file: str) -> bool:
        """True if a class in this file is called an RNN."""
        text = (self.submission.root / file).read_text(encoding="utf-8-sig", errors="replace")
        return IS_RNN.search(text) is not None

    def recurrent(self, kind: str, find: Find, student: Student, located: Located) -> None:
        """The LSTM or the RNN, as the toolkit's network; the check judges the LSTM alone."""
        network = find(student, located, Verdicts("lstm", located.file, self.progress))
        path, own = self.saved.of(f"The {kind}", student, partial(lstm.fitted, network))
        self.progress(f"lstm: carrying over the weights of the {kind}")
        model, worst = own.carry(kind)
        folder = self.saved.folder
        logs = {folder / log.path.with_suffix(".pt"): log for log in read_folder(folder).trainings}
        facts = self._facts(located.file, network.way.kind)
        facts["config"] = {"length": logs[path].length} if path in logs else {}
        made = torchscript.make(kind.lower(), model, facts)
        proof = f"{path.name}; on 1,000 sequences it says what your code says, within {worst:.0e}"
        self._add(made, to_program(kind.lower(), load_pt(made.data)), proof)

    def gan(self, student: Student, located: Located) -> None:
        """The generator and the discriminator, as they are."""
        self.progress(f"gan: the first steps of {located.file}")
        both: list[Export] = []
        for describe in gan.look(student, located):
            with self.attempt():
                own = describe()
                fits = partial(gan.fits, student, own.network)
                path, states = self.saved.of(f"The {own.name}", student, fits)
                self.progress(f"gan: exporting the {own.name}")
                facts = self._facts(located.file, own.network.name, **own.found)
                made, graph, problem = gan.exported(
                    student, self.submission.root, own, states, facts
                )
                self._add(made, graph, path.name)
                both.append(made)
                if problem:
                    self._refuse(problem)
        if len(both) == 2:
            with self.attempt():
                self.progress("gan: the film of the training")
                self.exports.append(film := gan.film(self.saved.films.get(path, ()), *both))
                steps = len(film.entry["metrics"]["steps"])
                self.said.append(f"{film.file}: the training, at {steps} steps.")

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Turn an error inside this block into a sentence."""
        try:
            yield
        except Missing as missing:
            self.said.append(str(missing))
        except ToolkitError as error:
            self._refuse(str(error))
        except (StudentError, WrongOutput, Gone) as error:
            self._refuse(f"The code gave no answer, so its network was not exported: {error}")

    def _facts(self, file: str, name: str, **found: Any) -> dict[str, Any]:
        own = {"file": self.submission.original(file), "class": name, **found}
        return {"metrics": {}, "whose": self.saved.folder.name, "own": own}

    def _add(self, export: Export, graph: ExportedProgram | None, said: str) -> None:
        """A .pt file, and what can be made of it."""
        own = export.entry["own"]
        self.exports.append(export)
        self.said.append(f"{export.file}: {own['class']} in {own['file']}, with {said}.")
        for format_ in FORMATS if graph else ():
            with self.attempt():
                made = convert([export], [format_], graphs={export.file: graph} if graph else {})
                self.exports += [one for one, _ in made]

    def _refuse(self, sentence: str) -> None:
        self.said.append(sentence)
        self.refused = True
