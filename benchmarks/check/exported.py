"""Networks of others as exports, demos and pages: python benchmarks/check/exported.py

    python benchmarks/check/exported.py --kind lstm                   # the right ones of the tests
    python benchmarks/check/exported.py --code DIR                    # and those of wild.py
    python benchmarks/check/exported.py --code DIR --real FOLDER      # and whole hand-ins

What `toolkit export` does is done to each network, with random weights of its shapes in place of
its training's: an LSTM is carried over and compared with its author's code on 1,000 sequences, a
generator becomes the three files, each compared with its author's code, draws as the studio lets it
draw, and becomes a list of layers, as the page in one file needs it. Of the wild ones those count
that were judged right by hand, of the halves that nothing was mended by; of hand-ins (a folder
with VERDICTS.json, and run.py with `extract(name, target)`) all generators, and the LSTMs whose
equations the check calls right. Each line says why something did not go.
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
from typing import NamedTuple

import torch
from public_code.code import arrange, entries
from public_code.placing import submission
from public_code.score import rate
from public_code.wrappers import NAME

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.check.corpus import build, cases
from toolkit.assignment.check.gan.drawing.stand_ins import digits
from toolkit.assignment.check.host import Gone, Host, Student, StudentError
from toolkit.assignment.check.lstm.network import WrongOutput
from toolkit.assignment.check.parent import import_judges
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.export import gan, lstm
from toolkit.assignment.export.command import SECONDS
from toolkit.assignment.export.weights import Missing
from toolkit.assignment.parts import PARTS
from toolkit.common.errors import ToolkitError
from toolkit.export.formats import onnx
from toolkit.export.playground import layers_of
from toolkit.export.saving import proved

REACHED = ("exported", "drawn in the demo", "drawn in the page")
REFUSALS = (ToolkitError, Missing, StudentError, WrongOutput, Gone)


class Given(NamedTuple):
    """A network's code."""

    source: str  # own, wild or real
    name: str
    submission: Submission


def distinct(part: str) -> list[str]:
    """The names of right submissions of the tests whose code for a part differs."""
    texts = {build.texts(right)[part]: name for name, right in reversed(cases.RIGHT.items())}
    return sorted(texts.values())


def own(names: list[str]) -> Iterator[Given]:
    """Right submissions of the tests."""
    for name in names:
        with folders() as (root, copy):
            build.write(cases.RIGHT[name], build.texts(cases.RIGHT[name]), root)
            yield Given("own", name, prepare(root, copy))


def wild(part: str, code: Path) -> Iterator[Given]:
    """Code by others that was judged right, of the halves that nothing was mended by."""
    for entry in (*entries(part, "final"), *entries(part, "fresh")):
        if entry["verdict"] != "right":
            continue
        with folders() as (root, _):
            place = arrange(entry, code, root)
            parts = {part: (place.file, NAME if part == "lstm" else None)}
            yield Given("wild", entry["repository"], submission(root, parts))


def real(folder: Path) -> Iterator[Given]:
    """Whole hand-ins."""
    extract = runpy.run_path(str(folder / "run.py"))["extract"]
    for name in json.loads((folder / "VERDICTS.json").read_text()):
        with folders() as (root, copy):
            extract(name, root)
            yield Given("real", name, prepare(root, copy))


@contextmanager
def folders() -> Iterator[tuple[Path, Path]]:
    """Two empty ones."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        yield Path(one).resolve(), Path(other).resolve()


def random_weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """As after a training, roughly: outputs are neither all the same nor saturated."""
    rng = torch.Generator().manual_seed(3)
    values = {}
    for name, shape in shapes.items():
        fan_in = max(1, torch.Size(shape[1:]).numel())
        values[name] = torch.randn(shape, generator=rng) / fan_in**0.5
        if name.endswith(("running_var", "num_batches_tracked")):
            values[name] = torch.ones(shape, dtype=torch.long if not shape else torch.float)
    return values


def adversarial(student: Student, located: Located, root: Path) -> Iterator[str]:
    """Export a generator and what judges it, draw with it, and list its layers."""
    network = None
    for describe in gan.look(student, located):
        found = describe()
        states = random_weights(student.ask("shapes", network=found.network.id))
        made = gan.exported(student, root, found, states, {})
        if made.graph is None:
            raise ToolkitError(" ".join(made.problems))
        digest = made.source.entry["sha256"]
        proved(made.source, "onnx", onnx.to_bytes(found.name, made.graph, digest))
        if network is None:
            network = made.network
            yield "exported"
            z = torch.randn(25, network.latent_dim, generator=torch.Generator().manual_seed(0))
            images = network(z)
            assert images.shape == (25, 1, 28, 28), images.shape
            assert images.isfinite().all()
            assert ((images >= 0) & (images <= 1)).all()
            yield "drawn in the demo"
    layers_of(Path("generator"), network, "generator")
    yield "drawn in the page"


def recurrent(student: Student, located: Located, root: Path) -> Iterator[str]:
    """Carry an LSTM over."""
    verdicts = Verdicts("lstm", located.file)
    network = lstm.proved(student, located, verdicts)
    network.build(hidden=network.way.hidden and 24)
    kept = {t["name"]: t for t in network.tensors}
    states = random_weights({name: t["shape"] for name, t in kept.items()})
    states |= {n: 0 * states[n] for n, t in kept.items() if t["zero"] and not t["grad"]}
    fitted = lstm.fitted(network, states)
    assert fitted is not None
    _, worst = fitted.carry("LSTM")
    assert worst <= 1e-5, worst
    yield f"exported, within {worst:.1e}"


def attempt(host: Host, kind: str, given: Given) -> tuple[list[str], str]:
    """The stage that a network reached, and the error that stopped it, or ""."""
    host.helps["digits"], host.limits = digits, dict.fromkeys(PARTS, SECONDS)
    reached = []
    try:
        with host.student(kind, str(given.submission.root)) as student:
            located = given.submission.parts[kind]
            go = recurrent if kind == "lstm" else adversarial
            for one in go(student, located, given.submission.root):
                reached.append(one)  # what came before an error stays
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
    counts: Counter[tuple[str, str, str]] = Counter()
    with Host() as host:
        for kind in (options.kind,) if options.kind else ("lstm", "gan"):
            sources = [own(distinct(kind))]
            sources += [wild(kind, options.code)] if options.code else []
            sources += [real(options.real)] if options.real else []
            for given in (given for source in sources for given in source):
                if options.only not in given.name or kind not in given.submission.parts:
                    continue
                reached, why = attempt(host, kind, given)
                counts.update((kind, given.source, x.partition(",")[0]) for x in (*reached, "all"))
                last = reached[-1] if reached else "nothing"
                print(f"{kind} {given.source} {given.name}: {last}; {why}", flush=True)
    print(f"\n| network | from | {' | '.join(REACHED)} |\n|---|---|{'---|' * len(REACHED)}")
    for kind, source in dict.fromkeys(key[:2] for key in counts):
        of = counts[kind, source, "all"]
        rates = [rate(counts[kind, source, what], of) for what in REACHED]
        rates = rates if kind == "gan" else [rates[0], "-", "-"]  # a page has them all, or none
        print(f"| {kind} | {source} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
