"""Use the exports with torch and numpy alone, the .onnx files with onnxruntime:

    python exports/load_exports.py                                   # a tour of four of them
    python exports/load_exports.py predict exports/lstm.pt 1 2 3 4 5 4 3 2 --trace
    python exports/load_exports.py sample exports/generator.pt --count 25 --seed 7 --out digits.png
    python exports/load_exports.py verify exports/manifest.json
    python exports/load_exports.py compile exports/lstm.pt2 --out exports/cpp/build-aoti

In place of a .pt file, `predict` and `sample` take a .pt2 or an .onnx file. Nothing of the toolkit
is imported: copy this file, the models and manifest.json wherever you need them. That is why all of
it is in one file, although that makes it a long one. `exports/cpp/` has `predict`, `sample` and
`verify` in C++, which is what `compile` is for, and `exports/js/` has them in JavaScript.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import io
import json
import logging
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
LAST_SEED = 2**63 - 1


class Failure(Exception):
    """An error that the user can fix: one line on stderr, exit code 1."""


def load(path: Path) -> Any:
    """Load the model in `path`, in eval mode; its hash is checked if manifest.json is beside it.

    The check matters: TorchScript is executable code, and torch does not notice a damaged weight.

    Returns:
        a function from tensor to tensor; a generator's has the attribute `latent_dim`.
    """
    data = path.read_bytes()
    manifest_path = path.parent / "manifest.json"
    has_manifest = manifest_path.exists()
    if has_manifest:
        check_sha256(manifest_path, path, data)
    if path.suffix not in READERS:
        raise Failure(f"{path} is not a .pt, .pt2 or .onnx file; this program reads only these")
    if needs := missing(path.suffix):
        raise Failure(f"{path.suffix} files need {needs}")
    kind, read = READERS[path.suffix]
    try:
        with quiet():
            model = read(data)
    except Exception as error:  # each format has its own
        raise Failure(f"{path} is not an intact {kind} file: {first_line(error)}") from error
    if not has_manifest:
        note = f"Note: there is no manifest.json beside {path}; its SHA-256 was not checked."
        print(note, file=sys.stderr)
    return model


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide what torch is about to change, and what it logs of a file that it cannot read."""
    try:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given buffer is not writable")
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(logging.NOTSET)


def missing(suffix: str) -> str | None:
    """What files with this ending need and what is not here, in words; None if all is here."""
    if suffix == ".onnx" and importlib.util.find_spec("onnxruntime") is None:
        return "onnxruntime: python -m pip install onnxruntime"
    if suffix == ".pt2" and torch.__version__ < "2.9":  # compares as versions do
        return f"torch 2.9 or newer; this is {torch.__version__}, which reads the .pt files"
    return None


def read_script(data: bytes) -> Any:
    """A .pt file: TorchScript, with weights that need no gradients, which is quicker."""
    script = torch.jit.load(io.BytesIO(data), map_location="cpu").eval()
    for weight in script.parameters():
        weight.requires_grad_(False)
    return script


def read_program(data: bytes) -> Any:
    """A .pt2 file: a program of torch.export."""
    program = torch.export.load(io.BytesIO(data))
    return Graph(*input_of(program), program.module())


def input_of(program: Any) -> tuple[str, Any]:
    """The name of a program's input, and its shape."""
    (name,) = program.graph_signature.user_inputs
    (node,) = (node for node in program.graph.nodes if node.name == name)
    return name, node.meta["val"].shape


def read_onnx(data: bytes) -> Any:
    """An .onnx file."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it reports its use to its makers
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it would print is raised as well
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()

    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(None, {given.name: x.numpy()})[0])

    return Graph(given.name, given.shape, run)


READERS = {
    ".pt": ("TorchScript", read_script),
    ".pt2": ("torch.export", read_program),
    ".onnx": ("ONNX", read_onnx),
}


class Graph:
    """A model without methods. It is checked here that it gets what it takes, since not every
    format can do it: "digits", "z" or "images", which is the name of its input."""

    def __init__(self, name: str, shape: Any, run: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.name, self.run = name, run
        self.shape = [size if isinstance(size, int) else 0 for size in shape]  # 0: any
        if name == "z":
            self.latent_dim = self.shape[1]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        dtype = torch.int64 if self.name == "digits" else torch.float32
        fits = x.ndim == len(self.shape) and all(
            wanted in (0, size) for wanted, size in zip(self.shape, x.shape, strict=True)
        )
        if x.dtype != dtype or not fits or 0 in x.shape[1:]:
            wanted = ", ".join(str(size) if size else "any" for size in self.shape)
            raise RuntimeError(
                f"{self.name} must be {str(dtype).removeprefix('torch.')} of shape ({wanted}); got "
                f"{str(x.dtype).removeprefix('torch.')} of shape {list(x.shape)}"
            )
        if self.name == "digits" and ((x < 0) | (x > 9)).any():
            raise RuntimeError("digits must lie between 0 and 9")
        return self.run(x)


def check_sha256(manifest_path: Path, path: Path, data: bytes) -> dict[str, Any]:
    """The entry of `path` in the manifest. Raise a Failure unless `data`, its content, has the
    SHA-256 in it and was made from a file that is listed too."""
    manifest = read_manifest(manifest_path)
    entry = manifest.get(path.name)
    if not isinstance(entry, dict):
        raise Failure(f"{manifest_path} does not list {path.name}")
    if entry.get("sha256") != hashlib.sha256(data).hexdigest():
        raise Failure(f"{path} is damaged or was altered: its SHA-256 differs from the manifest's")
    source_of(path, entry, manifest)
    return entry


def source_of(path: Path, entry: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """The entry of the file that `path` was made from; its own if it was not made from another."""
    if "made_from" not in entry:
        return entry
    for other in manifest.values():
        if isinstance(other, dict) and other.get("sha256") == entry["made_from"]:
            return other
    raise Failure(f"{path} was made from another file than the manifest lists now; make it again")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest as a dictionary, file name -> entry."""
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict):
        raise Failure(f"{path} is not a manifest.json, or is damaged: it is not a JSON object")
    return manifest


@torch.no_grad()
def call(model: Any, x: torch.Tensor, what: str) -> torch.Tensor:
    """The model's output for one tensor; a Failure if the model does not accept it.

    `what` describes the input in the error message, e.g. "digits".
    """
    try:
        output = model(x)
    except Exception as error:  # of torch, TorchScript or onnxruntime
        raise Failure(f"the model does not accept {what}: {first_line(error)}") from error
    if not isinstance(output, torch.Tensor):
        raise Failure(f"the model accepts {what}, but does not return a tensor")
    return output


def first_line(error: Exception) -> str:
    """The message of a torch error without its stack trace. For an exception that was raised inside
    TorchScript, torch puts the message last, after the name of the exception's class."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].split(": ", 1)[-1] if isinstance(error, torch.jit.Error) else lines[0]


def warm_up(model: Any, example: torch.Tensor, what: str) -> None:
    """Make the first two calls of a model, which compile it and are slow."""
    for _ in range(2):
        call(model, example, what)


def predict(path: Path, values: list[int], with_trace: bool) -> None:
    """Print the predicted next digit and the ten probabilities."""
    digits = torch.tensor([values])  # int64 (1, length)
    model = load(path)
    warm_up(model, digits, "digits")
    logits = call(model, digits, "digits")
    if logits.shape != (1, 10):
        raise Failure("the model does not return ten logits")
    probabilities = logits.softmax(dim=1)[0]
    print(*values, "->", int(probabilities.argmax()))
    for digit, probability in enumerate(probabilities.tolist()):
        print(f"{digit}  {probability:.6f}")
    if with_trace:
        print_trace(model, digits)


@torch.no_grad()
def print_trace(model: Any, digits: torch.Tensor) -> None:
    """Print gates and states, averaged over the hidden units: one row per digit."""
    if not hasattr(model, "trace"):
        raise Failure("this model has no trace; only lstm.pt has one")
    means = torch.stack([gate[0].mean(dim=1) for gate in model.trace(digits)], dim=1)
    print("mean over the hidden units after each digit:")
    print("digit" + "".join(f"{name:>10}" for name in "ifogch"))
    for digit, row in zip(digits[0].tolist(), means.tolist(), strict=True):
        print(f"{digit:>5}" + "".join(f"{mean:10.6f}" for mean in row))


def sample_latents(count: int, latent_dim: int, seed: int) -> torch.Tensor:
    """Standard normal noise, float32 (count, latent_dim)."""
    return torch.randn(count, latent_dim, generator=torch.Generator().manual_seed(seed))


def sample(options: argparse.Namespace) -> None:
    """Write a sheet of generated digits, five per row, or an interpolation strip."""
    model = load(options.model)
    latent_dim = getattr(model, "latent_dim", None)
    if not isinstance(latent_dim, int):
        raise Failure("the model is not a generator: it has no latent_dim")
    if options.from_seed is None:
        z = sample_latents(options.count, latent_dim, options.seed)
    else:
        z = torch.lerp(
            sample_latents(1, latent_dim, options.from_seed),
            sample_latents(1, latent_dim, options.to_seed),
            torch.linspace(0, 1, options.frames).unsqueeze(1),
        )
    images = call(model, z, "noise")
    if images.shape != (len(z), 1, 28, 28):
        raise Failure("the model does not return images of 28 x 28")
    columns = 5 if options.from_seed is None else len(z)
    picture = sheet(images.numpy(), columns)
    options.out.write_bytes(to_png(picture) if options.out.suffix == ".png" else to_pgm(picture))


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Arrange images (n, 1, 28, 28) in 0..1 in rows of `columns`, framed in grey, each pixel three
    times as large: uint8 (height, width)."""
    framed = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)), constant_values=0.25)
    framed = np.pad(framed, ((0, -len(images) % columns), (0, 0), (0, 0)))
    grid = framed.reshape(-1, columns, 30, 30).transpose(0, 2, 1, 3).reshape(-1, columns * 30)
    enlarged = grid.repeat(3, axis=0).repeat(3, axis=1)
    return (enlarged * 255).round().clip(0, 255).astype(np.uint8)


def to_pgm(picture: np.ndarray) -> bytes:
    """Encode a grey picture as a binary PGM file."""
    height, width = picture.shape
    return f"P5\n{width} {height}\n255\n".encode() + picture.tobytes()


def to_png(picture: np.ndarray) -> bytes:
    """Encode a grey picture as a PNG file (ISO/IEC 15948): header, compressed rows, end."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits of grey
    rows = b"".join(b"\0" + row.tobytes() for row in picture)  # 0: no filter
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def verify(manifest_path: Path) -> None:
    """Check each file that the manifest lists, and run each model on its golden inputs."""
    manifest = read_manifest(manifest_path)
    if not manifest:
        raise Failure(f"{manifest_path} lists no exports")
    found = False
    for name, entry in manifest.items():
        path = manifest_path.parent / name
        if Path(name).name != name:
            raise Failure(f"{manifest_path} lists {name}, which is not a file beside it")
        if path.exists():
            found = True
            print(f"{name}: {verify_file(path, entry, manifest)}")
        else:
            print(f"{name}: is not here")
    if not found:
        raise Failure(f"no file that {manifest_path} lists is beside it")


def verify_file(path: Path, entry: Any, manifest: dict[str, Any]) -> str:
    """What is true of one file, in words; a Failure if it is not as the manifest says."""
    if path.suffix not in READERS:
        check_sha256(path.parent / "manifest.json", path, path.read_bytes())
        return "the SHA-256 is right; not a program, so not run"
    golden = source_of(path, entry, manifest).get("golden") if isinstance(entry, dict) else None
    if golden is None:
        raise Failure(f"the manifest has no golden values for {path.name}")
    if needs := missing(path.suffix):
        check_sha256(path.parent / "manifest.json", path, path.read_bytes())
        return f"the SHA-256 is right; not run: {path.suffix} files need {needs}"
    model = load(path)
    try:
        tolerance = float(golden["tolerance"])
        cases = [(to_array(case["input"]), to_array(case["output"])) for case in golden["cases"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"the golden values of {path.name} in the manifest are damaged") from error
    return compare(path.name, model, tolerance, cases)


def compare(
    name: str,
    model: Any,
    tolerance: float,
    cases: list[tuple[np.ndarray, np.ndarray]],
) -> str:
    """The largest difference from the golden outputs, in words; a Failure if it is too large."""
    largest, count = 0.0, 0
    for x, expected in cases:
        output = call(model, torch.from_numpy(x), "its golden inputs").numpy()
        if output.shape != expected.shape:
            raise Failure(f"the output of {name} does not have the shape of the golden output")
        difference = np.abs(output - expected)
        if not (difference <= tolerance * (1 + np.abs(expected))).all():
            raise Failure(f"{name} differs from its golden outputs by {difference.max():.6f}")
        if expected.ndim == 2 and (output.argmax(axis=1) != expected.argmax(axis=1)).any():
            raise Failure(f"the largest logit of {name} is not the one in the golden outputs")
        largest, count = max(largest, float(difference.max())), count + len(expected)
    return f"{count} golden inputs, largest difference {largest:.6g}"


def to_array(golden: dict[str, Any]) -> np.ndarray:
    """Convert a golden array, {"dtype": ..., "shape": ..., "values": ...}, to numpy."""
    return np.array(golden["values"], dtype=golden["dtype"]).reshape(golden["shape"])


def compile_programs(paths: list[Path], out: Path) -> None:
    """Compile .pt2 files with AOTInductor, which takes a minute each, into packages that C++ reads
    and that run on this machine; a manifest with their golden values is written beside them."""
    if needs := missing(".pt2"):
        raise Failure(f".pt2 files need {needs}")
    from torch._inductor import aoti_compile_and_package

    out.mkdir(parents=True, exist_ok=True)
    packages = read_manifest(out / "manifest.json") if (out / "manifest.json").exists() else {}
    for path in paths:
        data, manifest_path = path.read_bytes(), path.parent / "manifest.json"
        source = source_of(
            path, check_sha256(manifest_path, path, data), read_manifest(manifest_path)
        )
        package = io.BytesIO()
        try:
            with quiet():
                warnings.filterwarnings("ignore", "Can't find Python.h")  # only Python needs it
                program = torch.export.load(io.BytesIO(data))
                name, shape = input_of(program)
                sizes = " ".join(str(size) if isinstance(size, int) else "-1" for size in shape)
                facts = {"aot_inductor.metadata": {"input": name, "shape": sizes}}
                aoti_compile_and_package(program, package_path=package, inductor_configs=facts)
        except Exception as error:  # of torch or of the compiler
            message = f"torch {torch.__version__} cannot compile {path}: {first_line(error)}"
            raise Failure(message) from error
        target = out / f"{path.stem}.aoti"
        target.write_bytes(package.getvalue())
        digest = hashlib.sha256(package.getvalue()).hexdigest()
        packages[target.name] = {"sha256": digest, "golden": source.get("golden")}
        (out / "manifest.json").write_text(json.dumps(packages), encoding="utf-8")
        print(f"{target}: {len(package.getvalue()):,} bytes")


@torch.no_grad()
def complete_a_palindrome() -> None:
    """The LSTM reads digits, int64 (batch, length), and returns logits of the next one."""
    lstm = load(HERE / "lstm.pt")
    digits = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 6, 2, 9, 5, 1, 4, 1]
    probabilities = torch.softmax(lstm(torch.tensor([digits])), dim=1)[0]
    print(
        f"{' '.join(map(str, digits))} -> {int(probabilities.argmax())}, "
        f"with probability {float(probabilities.max()):.3f}"
    )

    i, f, o, g, c, h = lstm.trace(torch.tensor([digits]))
    print(f"trace: every gate and state at every step, each of shape {tuple(h.shape)}")
    print(f"the forget gate lets {float(f.mean()):.0%} through on average")


@torch.no_grad()
def generate_a_digit(seed: int = 1) -> None:
    """The generator turns noise (batch, latent_dim) into images (batch, 1, 28, 28), 0 to 1."""
    names = ("generator", "classifier", "discriminator")
    generator, classifier, discriminator = (load(HERE / f"{name}.pt") for name in names)
    image = generator(sample_latents(1, generator.latent_dim, seed))
    for row in image[0, 0, 2:26:2]:
        print("".join(" .:-=+*#%@"[int(9 * pixel)] * 2 for pixel in row[2:26]))
    confidence, digit = torch.softmax(classifier(image), dim=1).max(dim=1)
    print(f"the classifier sees a {int(digit)}, with probability {float(confidence):.3f}")
    print(f"the discriminator calls it real with {float(discriminator(image).sigmoid()):.0%}")


def number(low: int, high: int) -> Any:
    """An argparse type: a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {low} to {high}, not {text!r}"
            )
        return int(text)

    return parse


class OneLineParser(argparse.ArgumentParser):
    """Reports what is wrong in one line, without printing the usage first."""

    def error(self, message: str) -> Any:
        self.exit(2, f"{self.prog}: {message}\n")


def parse_arguments() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The parser, for further errors, and the parsed options."""
    parser = OneLineParser(description="Use the exports without the toolkit.")
    commands = parser.add_subparsers(dest="command", metavar="predict | sample | verify | compile")
    command = commands.add_parser("predict", help="predict the next digit")
    command.add_argument("model", type=Path, help="such as lstm.pt, lstm.pt2 or lstm.onnx")
    command.add_argument("digits", type=number(0, 9), nargs="+", metavar="digit")
    command.add_argument("--trace", action="store_true", help="also print gates and states")
    command = commands.add_parser("sample", help="write a sheet of digits or an interpolation")
    command.add_argument("model", type=Path, help="such as generator.pt")
    command.add_argument("--out", type=Path, required=True, help="a .png or .pgm file")
    command.add_argument("--count", type=number(1, 10_000), help="images on the sheet; default 25")
    command.add_argument("--seed", type=number(0, LAST_SEED), help="of the noise; default 0")
    command.add_argument("--from-seed", type=number(0, LAST_SEED), help="one end of a strip")
    command.add_argument("--to-seed", type=number(0, LAST_SEED), help="its other end")
    command.add_argument("--frames", type=number(2, 100), help="images of a strip; default 9")
    command = commands.add_parser("verify", help="check all exports with their golden values")
    command.add_argument("manifest", type=Path, help="manifest.json")
    command = commands.add_parser("compile", help="compile .pt2 files for the C++ programs")
    command.add_argument("programs", type=Path, nargs="+", help="such as lstm.pt2")
    command.add_argument("--out", type=Path, required=True, help="the folder of the packages")
    return parser, parser.parse_args()


def check_sample(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with code 2 if the options of `sample` contradict each other; fill in defaults."""
    strip = options.from_seed is not None
    if strip != (options.to_seed is not None) or (not strip and options.frames is not None):
        parser.error("a strip needs --from-seed and --to-seed; only a strip can have --frames")
    if strip and (options.count, options.seed) != (None, None):
        parser.error("a strip cannot have --count or --seed")
    if options.out.suffix not in (".png", ".pgm"):
        parser.error(f"--out must end in .png or .pgm, not '{options.out}'")
    defaults = {"count": 25, "seed": 0, "frames": 9}
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def main() -> None:
    """Run the command, or the tour if there is none."""
    parser, options = parse_arguments()
    try:
        if options.command == "predict":
            predict(options.model, options.digits, options.trace)
        elif options.command == "sample":
            check_sample(parser, options)
            sample(options)
        elif options.command == "verify":
            verify(options.manifest)
        elif options.command == "compile":
            compile_programs(options.programs, options.out)
        else:
            complete_a_palindrome()
            generate_a_digit()
    except Failure as error:
        raise SystemExit(f"load_exports.py: {error}") from error
    except OSError as error:
        raise SystemExit(f"load_exports.py: {error.filename}: {error.strerror}") from error


if __name__ == "__main__":
    main()
