"""Tests the export of networks by others: python benchmarks/check/exported.py

    python benchmarks/check/exported.py --kind lstm                   # LSTMs, from our tests only
    python benchmarks/check/exported.py --code DIR                    # also the code of wild.py
    python benchmarks/check/exported.py --code DIR --real FOLDER      # also whole hand-ins

Each network is exported as by `toolkit export`, but with random weights in place of trained ones.

An LSTM is converted into the toolkit's LSTM, and both are compared on 1,000 sequences. A generator
and its discriminator are written as .pt2, .onnx and, if possible, .pt files. The outputs of each
file are compared with those of the author's code. The generator then draws images, as in the latent
studio, and is converted into a list of layers, as the page in one file needs it.

From the code of wild.py, the script uses the files that were judged right by hand, without the half
that was used to improve the check. From the hand-ins, it uses every LSTM and every GAN. The folder
of hand-ins contains VERDICTS.json, and run.py with a function `extract(name, target)`. For each
network, the script prints the last stage that was reached and the error that stopped the export.
"""

import argparse
import json
import runpy
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from public_code.code import arrange, entries
from public_code.placing import submission
from public_code.score import rate
from public_code.wrappers import NAME

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.judging.corpus import build, cases
from toolkit.assignment.asking.host import GANChild, Gone, Host, LSTMChild, StudentError
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.command import SECONDS
from toolkit.assignment.export.weights import Missing
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located, Submission, prepare
from toolkit.assignment.judging.gan.drawing.stand_ins import digits
from toolkit.assignment.judging.lstm.network import WrongOutput
from toolkit.assignment.judging.parent import import_judges
from toolkit.assignment.running.parts import PARTS
from toolkit.common.errors import ToolkitError
from toolkit.export.formats import onnx
from toolkit.export.saving import proved
from toolkit.train.playground.layers import layers_of

REACHED = ("exported", "drawn in the demo", "drawn in the page")
REFUSALS = (ToolkitError, Missing, StudentError, WrongOutput, Gone)


class Code(NamedTuple):
    """A network's code."""

    source: str  # own, wild or real
    name: str
    submission: Submission


def distinct(part: str) -> list[str]:
    """Return the names of right submissions of the tests, one for each distinct text of a part."""
    names = {}
    for name, right in reversed(cases.RIGHT.items()):
        names[build.texts(right)[part]] = name
    return sorted(names.values())


def own(names: list[str]) -> Iterator[Code]:
    """Yield the right submissions of the tests that have these names."""
    for name in names:
        with folders() as (root, copy):
            build.write(cases.RIGHT[name], build.texts(cases.RIGHT[name]), root)
            yield Code("own", name, prepare(root, copy))


def wild(part: str, code: Path) -> Iterator[Code]:
    """Yield public code that was judged right by hand, without the half that was used to improve
    the check.
    """
    for entry in (*entries(part, "final"), *entries(part, "fresh")):
        if entry["verdict"] != "right":
            continue
        with folders() as (root, _):
            place = arrange(entry, code, root)
            parts = {part: (place.file, NAME if part == "lstm" else None)}
            yield Code("wild", entry["repository"], submission(root, parts))


def real(folder: Path) -> Iterator[Code]:
    """Yield the hand-ins of a folder."""
    extract = runpy.run_path(str(folder / "run.py"))["extract"]
    for name in json.loads((folder / "VERDICTS.json").read_text()):
        with folders() as (root, copy):
            extract(name, root)
            yield Code("real", name, prepare(root, copy))


@contextmanager
def folders() -> Iterator[tuple[Path, Path]]:
    """Create two empty folders, and delete them at the end of the `with` block."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        yield Path(first).resolve(), Path(second).resolve()


def random_weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Draw weights that are roughly as large as trained ones, so that the outputs differ and are
    not saturated.
    """
    rng = torch.Generator().manual_seed(3)
    values = {}
    for name, shape in shapes.items():
        fan_in = max(1, torch.Size(shape[1:]).numel())
        values[name] = torch.randn(shape, generator=rng) / fan_in**0.5
        if name.endswith(("running_var", "num_batches_tracked")):
            values[name] = torch.ones(shape, dtype=torch.long if not shape else torch.float)
    return values


def adversarial(child: GANChild, located: Located, root: Path) -> Iterator[str]:
    """Export a generator and its discriminator, draw with the generator, and list its layers.

    Yields:
        each stage in `REACHED`, once it is reached.
    """
    network = None
    for describe in gan.look(child, located):
        described = describe()
        states = random_weights(child.ask.shapes(network=described.network.id))
        made = gan.exported(child, root, described, states, {})
        if made.graph is None:
            raise ToolkitError(" ".join(made.problems))
        digest = made.source.entry["sha256"]
        proved(made.source, "onnx", onnx.to_bytes(described.name, made.graph, digest))
        if network is None:
            network = made.network
            yield "exported"
            draw(network)
            yield "drawn in the demo"
    layers_of(Path("generator"), network, "generator")
    yield "drawn in the page"


def draw(network: Any) -> None:
    """Draw 25 images, and assert that they have the right shape and values between 0 and 1."""
    z = torch.randn(25, network.latent_dim, generator=torch.Generator().manual_seed(0))
    images = network(z)
    assert images.shape == (25, 1, 28, 28), images.shape
    assert images.isfinite().all()
    assert ((images >= 0) & (images <= 1)).all()


def recurrent(child: LSTMChild, located: Located, root: Path) -> Iterator[str]:
    """Convert an LSTM into the toolkit's, compare the two, and yield the stage that was reached."""
    verdicts = Verdicts("lstm", located.file)
    network = lstm.proved(child, located, verdicts)
    network.build(hidden=network.usage.hidden and 24)
    tensors = {tensor["name"]: tensor for tensor in network.tensors}
    states = random_weights({name: tensor["shape"] for name, tensor in tensors.items()})
    for name, tensor in tensors.items():
        if tensor["zero"] and not tensor["grad"]:
            states[name] = 0 * states[name]
    fitted = lstm.fitted(network, states)
    assert fitted is not None
    worst = fitted.carry("LSTM").worst
    assert worst <= 1e-5, worst
    yield f"exported, within {worst:.1e}"


def attempt(host: Host, kind: str, code: Code) -> tuple[list[str], str]:
    """Export a network, and return the stages that were reached and the error that stopped the
    export, or "" if there was no error.
    """
    host.helps["digits"] = digits
    host.limits = dict.fromkeys(PARTS, SECONDS)
    reached = []
    try:
        with host.child(kind, str(code.submission.root)) as child:
            located = code.submission.parts[kind]
            export = recurrent if kind == "lstm" else adversarial
            for stage in export(child, located, code.submission.root):
                reached.append(stage)  # keeps the stages before an error
    except REFUSALS as error:
        return reached, str(error)
    return reached, ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Others' networks as exports and on pages.")
    parser.add_argument("--kind", choices=("lstm", "gan"))
    parser.add_argument("--code", type=Path, help="the folder with the code of wild.py")
    parser.add_argument("--real", type=Path, help="a folder with whole hand-ins")
    parser.add_argument("--only", default="", help="those with this in their name")
    options = parser.parse_args()
    import_judges()
    kinds = (options.kind,) if options.kind else ("lstm", "gan")
    counts: Counter[tuple[str, str, str]] = Counter()
    with Host() as host:
        for kind in kinds:
            for code in codes(kind, options.code, options.real):
                if options.only not in code.name or kind not in code.submission.parts:
                    continue
                reached, problem = attempt(host, kind, code)
                for stage in (*reached, "all"):
                    counts[kind, code.source, stage.partition(",")[0]] += 1
                last = reached[-1] if reached else "nothing"
                print(f"{kind} {code.source} {code.name}: {last}; {problem}", flush=True)
    print_table(counts)


def codes(kind: str, public: Path | None, hand_ins: Path | None) -> Iterator[Code]:
    """Yield the code of all networks of one kind.

    Args:
        public: the folder with the code of wild.py.
        hand_ins: a folder with whole hand-ins.
    """
    yield from own(distinct(kind))
    if public is not None:
        yield from wild(kind, public)
    if hand_ins is not None:
        yield from real(hand_ins)


def print_table(counts: Counter[tuple[str, str, str]]) -> None:
    print(f"\n| network | from | {' | '.join(REACHED)} |\n|---|---|{'---|' * len(REACHED)}")
    for kind, source in dict.fromkeys(key[:2] for key in counts):
        total = counts[kind, source, "all"]
        rates = [rate(counts[kind, source, stage], total) for stage in REACHED]
        if kind == "lstm":
            rates[1:] = ["-", "-"]  # the demos and pages can show every LSTM of the toolkit
        print(f"| {kind} | {source} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
