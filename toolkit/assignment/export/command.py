"""Export the networks of a hand-in: find weights, run the code in the child, write files."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch.export import ExportedProgram

from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, Student, StudentError, Unwatched
from toolkit.assignment.check.lstm.network import Network, WrongOutput
from toolkit.assignment.check.parent import import_judges
from toolkit.assignment.check.submission import WHAT, Located, Submission, prepare
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
Find = Callable[[Student, Located, Verdicts], Network]  # raises a ToolkitError if there is none
ExportOne = Callable[[Student, Located], None]


def export(
    folder: Path, out: Path, chosen: Sequence[Path], progress: Progress, host: Host
) -> "Exporter":
    """Export the networks in a student's folder to `out`, a folder of exports like ours.

    Args:
        chosen: files with weights; by default those in the folder.
        progress: called with a sentence when a new piece of work begins.
        host: runs the student's code.

    Returns:
        the exports that were written, and a sentence about each network.

    Raises:
        UsageError: `folder` has none of the parts, or `out` has exports of the toolkit's own.
        ToolkitError: there are no weights, or something cannot be written.
    """
    needs_torch("Exporting a model")
    folder = Path(os.path.realpath(folder))
    for entry in read_manifest(out).values():
        if "whose" not in entry:
            raise UsageError(
                f"{out} has the toolkit's own exports. Give another folder with --out."
            )
    import_judges()
    host.helps["digits"], host.limits = digits, dict.fromkeys(PARTS, SECONDS)
    with scratch_directory("export") as scratch:
        submission = prepare(folder, scratch)
        exporter = Exporter(submission, Saved(folder, submission.root, chosen), progress)
        export_lstm = partial(exporter.recurrent, "LSTM", lstm.proved)
        export_rnn = partial(exporter.recurrent, "RNN", lstm.find_rnn)
        parts = submission.parts
        tasks: list[tuple[Part, ExportOne, Located | None]] = [
            ("lstm", export_lstm, parts.get("lstm")),
            ("lstm", export_rnn, exporter.file_with_rnn()),
            ("gan", exporter.gan, parts.get("gan")),
        ]
        for part, export_one, located in tasks:
            if located is None and export_one is export_lstm:
                exporter.said.append(f"Not exported: {WHAT[part]}, since no file here has it.")
            elif located is not None:
                with exporter.attempt():
                    try:
                        with host.student(part, str(submission.root)) as student:
                            export_one(student, located)
                    except Unwatched:
                        with host.student(part, str(submission.root)) as student:
                            export_one(student, replace(located, witnesses=()))
    if exporter.exports:
        replace_exports(exporter.exports, out)
    return exporter


@dataclass
class Exporter:
    """Exports the parts of one hand-in."""

    submission: Submission
    saved: Saved
    progress: Progress
    exports: list[Export] = field(default_factory=list)  # the files to write
    said: list[str] = field(default_factory=list)  # a sentence about each network
    refused: bool = False  # a network that has weights could not be exported

    def file_with_rnn(self) -> Located | None:
        """The first file in which a class is called an RNN."""
        for file in self.submission.files:
            text = (self.submission.root / file).read_text(encoding="utf-8-sig", errors="replace")
            if IS_RNN.search(text):
                return Located(file)
        return None

    def recurrent(self, kind: str, find: Find, student: Student, located: Located) -> None:
        """Export the LSTM or the RNN as the toolkit's network; the check judges the LSTM alone."""
        network = find(student, located, Verdicts("lstm", located.file, self.progress))
        path, fitted = self.saved.of(f"The {kind}", student, partial(lstm.fitted, network))
        self.progress(f"lstm: carrying over the weights of the {kind}")
        model, worst = fitted.carry(kind)
        facts = self._facts(located.file, network.way.kind)
        facts["config"] = {}
        for log in read_folder(self.saved.folder).trainings:
            if self.saved.folder / log.path.with_suffix(".pt") == path:
                facts["config"] = {"length": log.length}
        made = torchscript.make(kind.lower(), model, facts)
        proof = f"{path.name}; on 1,000 sequences it answers as your code does, within {worst:.0e}"
        self._add(made, to_program(kind.lower(), load_pt(made.data)), proof)

    def gan(self, student: Student, located: Located) -> None:
        """Export the generator and the discriminator as they are, and a film of their training."""
        self.progress(f"gan: the first steps of {located.file}")
        exported: list[Export] = []
        for describe in gan.look(student, located):
            with self.attempt():
                described = describe()
                fits = partial(gan.fits, student, described.network)
                path, states = self.saved.of(f"The {described.name}", student, fits)
                self.progress(f"gan: exporting the {described.name}")
                facts = self._facts(located.file, described.network.name, **described.entry)
                made, graph, problem = gan.exported(
                    student, self.submission.root, described, states, facts
                )
                self._add(made, graph, path.name)
                exported.append(made)
                if problem:
                    self._refuse(problem)
        if len(exported) == 2:
            with self.attempt():
                self.progress("gan: the film of the training")
                film = gan.film(self.saved.films.get(path, ()), *exported)
                self.exports.append(film)
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

    def _facts(self, file: str, name: str, **entry: Any) -> dict[str, Any]:
        """The facts about a network for the manifest."""
        origin = {"file": self.submission.original(file), "class": name, **entry}
        return {"metrics": {}, "whose": self.saved.folder.name, "own": origin}

    def _add(self, export: Export, graph: ExportedProgram | None, source: str) -> None:
        """Add a .pt file, and the other formats that can be made from its graph.

        Args:
            source: the end of a sentence: the file with the weights.
        """
        origin = export.entry["own"]
        self.exports.append(export)
        self.said.append(f"{export.file}: {origin['class']} in {origin['file']}, with {source}.")
        if graph is None:
            return
        for format_ in FORMATS:
            with self.attempt():
                for made, _ in convert([export], [format_], graphs={export.file: graph}):
                    self.exports.append(made)

    def _refuse(self, sentence: str) -> None:
        self.said.append(sentence)
        self.refused = True
