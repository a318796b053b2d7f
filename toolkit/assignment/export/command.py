"""Exports what a hand-in has: finds the weights, runs the code in the check's child, and writes."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch.export import ExportedProgram

from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, Student, StudentError
from toolkit.assignment.check.parent import import_judges
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.weights import Missing, Saved
from toolkit.assignment.parts import PARTS, Part
from toolkit.assignment.records.files import read_folder
from toolkit.common.device import needs_torch
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export import torchscript
from toolkit.export.formats import convert
from toolkit.export.manifest import FORMATS, Export, read_manifest
from toolkit.export.replacing import replace_exports

SECONDS = 120  # of CPU time for each part: importing torch's exporters takes some
Progress = Callable[[str], None]


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
    with tempfile.TemporaryDirectory(prefix="export-", ignore_cleanup_errors=True) as scratch:
        submission = prepare(folder, Path(scratch).resolve())
        exporter = Exporter(submission, Saved(folder, submission.root, chosen), progress)
        for part, work in (("lstm", exporter.lstm), ("gan", exporter.gan)):
            if part in submission.parts:
                with (
                    exporter.attempt(part),
                    host.student(part, str(submission.root)) as student,
                ):
                    work(student, submission.parts[part])
    if exporter.exports:
        replace_exports(exporter.exports, out)
    return exporter


class Exporter:
    """Exports the parts of one hand-in.

    Attributes:
        exports: what can be written.
        said: a sentence about each network.
        refused: whether one that has weights could not be exported.
    """

    def __init__(self, submission: Submission, saved: Saved, progress: Progress) -> None:
        self.exports: list[Export] = []
        self.said: list[str] = []
        self.refused = False
        self._submission, self._saved, self._progress = submission, saved, progress

    def lstm(self, student: Student, located: Located) -> None:
        """The LSTM, as the toolkit's network."""
        verdicts = Verdicts("lstm", located.file, self._progress)
        network = lstm.proved(student, located, verdicts)
        path, fitted = self._saved.of("The LSTM", student, lambda w: lstm.fitted(network, w))
        verdicts.doing("carrying over its weights")
        model, worst = fitted.carry()
        beside = {
            self._saved.folder / log.path.with_suffix(".pt"): log.length
            for log in read_folder(self._saved.folder).trainings
        }
        facts = self._facts(located, network.way.kind)
        facts["config"] = {"length": beside[path]} if beside.get(path) else {}
        proof = f"on 1,000 sequences it says what your code says, within {worst:.0e}"
        self._add(torchscript.make("lstm", model, facts), None, f"{path.name}; {proof}")

    def gan(self, student: Student, located: Located) -> None:
        """The generator and the discriminator, as they are."""
        self._progress(f"gan: the first steps of {located.file}")
        game, probe = gan.find_game(student, located)
        for look in (gan.generator_of, gan.discriminator_of):
            with self.attempt("gan"):
                own = look(game, probe)
                fits = partial(gan.fits, student, own.network)
                path, states = self._saved.of(f"The {own.name}", student, fits)
                self._progress(f"gan: exporting the {own.name}")
                facts = self._facts(located, own.network.name)
                made, graph, problem = gan.exported(student, own, states, facts)
                self._add(made, graph, path.name)
                if problem:
                    self._refuse(problem)

    @contextlib.contextmanager
    def attempt(self, part: Part) -> Iterator[None]:
        """What goes wrong inside this block becomes a sentence."""
        try:
            yield
        except Missing as missing:
            self.said.append(str(missing))
        except ToolkitError as error:
            self._refuse(str(error))
        except (StudentError, Gone, ValidationError) as error:
            kind = f"its process has ended ({error})" if isinstance(error, Gone) else str(error)
            self._refuse(f"{self._submission.parts[part].file} was not exported: {kind}")

    def _facts(self, located: Located, name: str) -> dict[str, Any]:
        file = self._submission.original(located.file)
        return {
            "metrics": {},
            "whose": self._saved.folder.name,
            "own": {"file": file, "class": name},
        }

    def _add(self, export: Export, graph: ExportedProgram | None, said: str) -> None:
        """A .pt file, and what can be made of it."""
        own = export.entry["own"]
        self.exports.append(export)
        self.said.append(f"{export.file}: {own['class']} in {own['file']}, with {said}.")
        for format_ in FORMATS if graph or export.file == "lstm.pt" else ():
            with self.attempt("lstm"):
                graphs = {export.file: graph} if graph else {}
                self.exports += [one.export for one in convert([export], [format_], graphs=graphs)]

    def _refuse(self, sentence: str) -> None:
        self.said.append(sentence)
        self.refused = True
