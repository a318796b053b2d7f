"""The export of a student's networks, from finding the weights to writing the files."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.assignment.asking.host import (
    Child,
    GANChild,
    Gone,
    Host,
    LSTMChild,
    StudentError,
    Unwatched,
)
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.weights import Missing, Saved
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.records import read_folder
from toolkit.assignment.handin.submission import WHAT, Located, Submission, prepare
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.judging.lstm.network import Network, WrongOutput
from toolkit.assignment.judging.parent import import_judges
from toolkit.assignment.running.parts import PARTS, Part
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.device import needs_torch
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export.formats import onnx, torchscript
from toolkit.export.manifest import FORMATS, Export, read_manifest
from toolkit.export.replacing import replace_exports
from toolkit.export.saving import convert, for_export, make, possible, proved

SECONDS = 120  # of CPU time for each part, including the import of torch's exporters
IS_RNN = re.compile(r"^\s*class \w*RNN\w*\(", re.MULTILINE | re.IGNORECASE)
Progress = Callable[[str], None]
Find = Callable[[LSTMChild, Located, Verdicts], Network]  # or raises a ToolkitError
ExportOne = Callable[[Child[Any], Located], None]


def export(
    folder: Path, out: Path, chosen: Sequence[Path], progress: Progress, host: Host
) -> "Exporter":
    """Export the networks in a student's folder to `out`, in the same file formats and with the
    same kind of manifest as the toolkit's exports.

    Args:
        chosen: weight files that are read before those in `folder`.
        progress: called with a sentence at the start of each step of the export.
        host: manages the processes that run the student's code.

    Returns:
        an `Exporter`, which holds the exports that were written and the messages for the user, such
        as which weights each exported network has.

    Raises:
        UsageError: `folder` contains no part of the assignment, or `out` contains the toolkit's own
            exports.
        ToolkitError: there are no weights, or a file cannot be written.
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
                    _export_watched(export_one, host, part, submission, located)
    for path in exporter.saved.unused():
        exporter.refuse(f"{path} was not used for any network.")
    if problem := torchscript.why_not():
        exporter.said.append(problem)
    if exporter.exports:
        replace_exports(exporter.exports, out)
    return exporter


def _export_watched(
    export_one: ExportOne, host: Host, part: Part, submission: Submission, located: Located
) -> None:
    """Export a network in a child process, which may first run the student's training script to see
    how the script calls the network.

    If the child process dies while it runs the script, the network is exported in a new child
    process that does not run the script.
    """
    try:
        with host.child(part, str(submission.root)) as child:
            export_one(child, located)
    except Unwatched:
        with host.child(part, str(submission.root)) as child:
            export_one(child, replace(located, witnesses=()))


@dataclass
class Exporter:
    """An exporter for the networks of one submission."""

    submission: Submission
    saved: Saved
    progress: Progress
    exports: list[Export] = field(default_factory=list)  # the files to write
    said: list[str] = field(default_factory=list)  # a sentence about each network
    refused: bool = False  # True if a network that has weights could not be exported

    def file_with_rnn(self) -> Located | None:
        """Return the first file that defines a class with "RNN" in its name, or None."""
        for file in self.submission.files:
            text = (self.submission.root / file).read_text(encoding="utf-8-sig", errors="replace")
            if IS_RNN.search(text):
                return Located(file)
        return None

    def recurrent(self, kind: str, find: Find, child: LSTMChild, located: Located) -> None:
        """Copy the weights of the student's LSTM or RNN into the toolkit's own LSTM or RNN, and
        export the copy.

        An LSTM is exported only if the check confirms its equations.
        """
        network = find(child, located, Verdicts("lstm", located.file, self.progress))
        path, fitted = self.saved.of(f"The {kind}", child, partial(lstm.fitted, network))
        self.progress(f"lstm: carrying over the weights of the {kind}")
        carried = fitted.carry(kind)
        facts = self._facts(located.file, network.usage.kind)
        facts["config"] = {}
        for log in read_folder(self.saved.folder).trainings:
            if self.saved.folder / log.path.with_suffix(".pt") == path:
                facts["config"] = {"length": log.length}
        copied = for_export(carried.model)
        source = make(kind.lower(), copied, facts)
        self._add(source, f"{path.name}; {carried.agreement()}")
        for format_ in possible(FORMATS):
            with self.attempt():
                self.exports += convert(source, copied, [format_])

    def gan(self, child: GANChild, located: Located) -> None:
        """Export the generator and the discriminator unchanged; if possible, also export a film,
        which contains weights and logits from several steps of their training.
        """
        self.progress(f"gan: the first steps of {located.file}")
        exported: list[gan.Exported] = []
        for describe in gan.look(child, located):
            with self.attempt():
                described = describe()
                fits = partial(gan.fits, child, described.network)
                path, states = self.saved.of(f"The {described.name}", child, fits)
                self.progress(f"gan: exporting the {described.name}")
                facts = self._facts(located.file, described.network.name, **described.entry)
                made = gan.exported(child, self.submission.root, described, states, facts)
                exported.append(made)
                self._add(made.source, path.name)
                self.exports += made.made
                if made.graph is not None:
                    data = onnx.to_bytes(described.name, made.graph, made.source.entry["sha256"])
                    self.exports.append(proved(made.source, "onnx", data))
                for problem in made.problems:
                    self.refuse(problem)
        if len(exported) == 2:
            with self.attempt():
                self.progress("gan: the film of the training")
                film = gan.film(self.saved.films.get(path, ()), *exported)
                self.exports.append(film)
                steps = len(film.entry["metrics"]["steps"])
                self.said.append(f"{film.file}: the training, at {steps} steps.")

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Turn an error in the `with` block into a sentence for the user."""
        try:
            yield
        except Missing as missing:
            self.said.append(str(missing))
        except ToolkitError as error:
            self.refuse(str(error))
        except (StudentError, WrongOutput, Gone) as error:
            self.refuse(f"The code gave no answer, so its network was not exported: {error}")

    def _facts(self, file: str, name: str, **entry: Any) -> dict[str, Any]:
        """Return fields for a network's manifest entry, such as the network's owner and the file
        and class that define the network.
        """
        origin = {"file": self.submission.original(file), "class": name, **entry}
        return {"metrics": {}, "whose": self.saved.folder.name, "own": origin}

    def _add(self, source: Export, weights: str) -> None:
        """Add the exported weights of a network to `exports`, and append to `said` a sentence that
        tells the user what was exported.

        Args:
            weights: the name of the weight file, optionally followed by a remark about the weights;
                the sentence that is appended to `said` ends with this text.
        """
        origin = source.entry["own"]
        name = source.file.rpartition(".")[0]
        self.exports.append(source)
        self.said.append(f"{name}: {origin['class']} in {origin['file']}, with {weights}.")

    def refuse(self, sentence: str) -> None:
        """Record that a network was not exported, and add the given sentence, which says why, to
        the messages for the user.
        """
        self.said.append(sentence)
        self.refused = True
