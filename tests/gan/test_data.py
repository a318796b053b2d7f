"""MNIST: the embedded copy against the published hashes, and every kind of damage to a copy."""

import gzip
import hashlib
import shutil
from collections.abc import Callable
from itertools import islice, repeat
from pathlib import Path

import pytest
import torch

from toolkit.assignment.skeleton import write_skeleton
from toolkit.common.errors import ToolkitError
from toolkit.gan.data import (
    EMBEDDED,
    MNIST,
    batch_indices,
    epoch_order,
    load_mnist,
    to_bytes,
    to_unit,
)

# As published; from the README beside the embedded files.
PUBLISHED = dict(
    reversed(line.strip("| \n").split(" | "))
    for line in (EMBEDDED / "README.md").read_text().splitlines()
    if line.count("|") == 3 and "ubyte" in line
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in EMBEDDED.glob("*.gz"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_embedded_files_have_the_published_hashes() -> None:
    found = {
        hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest(): path.stem
        for path in EMBEDDED.glob("*.gz")
    }
    assert len(found) == 4
    assert found == PUBLISHED


def test_content(mnist: MNIST) -> None:
    assert mnist.train_images.shape == (60_000, 1, 28, 28)
    assert mnist.test_images.shape == (10_000, 1, 28, 28)
    assert mnist.train_images.dtype == torch.uint8
    # Published facts: the first ten labels, images a class, and mean and deviation of a pixel.
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels.bincount().tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    pixels = to_unit(mnist.train_images)
    assert pixels.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert pixels.std().item() == pytest.approx(0.3081, abs=1e-4)


def test_same_as_torchvision(mnist: MNIST, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which downloads nothing where the skeleton has put it."""
    from torchvision.datasets import MNIST as TorchvisionMNIST

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", None)
    for _ in range(2):
        written, kept = write_skeleton(tmp_path, mnist=True)
    assert (len(written), len(kept)) == (0, 10)
    tmp_path = tmp_path / "data"
    theirs = TorchvisionMNIST(str(tmp_path), train=False, download=True)
    assert torch.equal(theirs.data, mnist.test_images.squeeze(1))
    assert torch.equal(theirs.targets, mnist.test_labels.long())
    ours = load_mnist(tmp_path)  # torchvision's folder is read as it is
    assert all(torch.equal(a, b) for a, b in zip(ours, mnist, strict=True))


def test_bytes_survive_the_way_to_floats_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_unit(values)), values)
    assert to_bytes(torch.tensor([-0.1, 0.0019, 0.002, 1.1])).tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("t10k-images-idx3-ubyte.gz", lambda data: data[:-1000], "is damaged: expected a gzip"),
        ("train-labels-idx1-ubyte.gz", lambda _: b"<html>404 Not Found</html>", "is damaged"),
        ("t10k-labels-idx1-ubyte.gz", lambda data: data[:2259] + b"~" + data[2260:], "is"),
    ],
)
def test_damage(copy: Path, name: str, damage: Callable[[bytes], bytes], said: str) -> None:
    before = (copy / name).read_bytes()
    (copy / name).write_bytes(damage(before))
    assert (copy / name).read_bytes() != before
    with pytest.raises(ToolkitError, match=f"{name} {said}"):
        load_mnist(copy)


def test_altered(copy: Path) -> None:
    path = copy / "t10k-labels-idx1-ubyte.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[-1] = 0
    path.write_bytes(gzip.compress(data))
    published = next(sha for sha, name in PUBLISHED.items() if name == path.stem)
    found = hashlib.sha256(data).hexdigest()
    with pytest.raises(ToolkitError, match=f"{published}, found {found} in 10,008 bytes"):
        load_mnist(copy)


def test_missing(copy: Path) -> None:
    (copy / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(ToolkitError, match=f"{copy} lacks MNIST's train-images-idx3-ubyte"):
        load_mnist(copy)


def test_download_only_where_nothing_is(
    copy: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The network is played by a folder; that torchvision's layout is read is tested above."""
    asked = []

    def fake_download(root: str, download: bool) -> None:
        asked.append(download)
        raw = Path(root) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for file in copy.glob("*.gz"):
            shutil.copy(file, raw)

    monkeypatch.setattr("torchvision.datasets.MNIST", fake_download)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    load_mnist()
    assert asked == []
    monkeypatch.setattr("toolkit.gan.data.EMBEDDED", Path("nothing"))
    assert len(load_mnist().test_images) == 10_000
    assert asked == [True]
    assert "torchvision downloads it into" in capsys.readouterr().out


def test_download_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(root: str, download: bool) -> None:
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST", no_network)
    monkeypatch.setattr("toolkit.gan.data.EMBEDDED", Path("nothing"))
    with pytest.raises(ToolkitError, match=r"nor could it be downloaded .* Pass --data-dir"):
        load_mnist()


def test_epochs_visit_each_image_once_in_different_orders() -> None:
    one, again, other = epoch_order(1000, 0, 1), epoch_order(1000, 0, 1), epoch_order(1000, 0, 2)
    assert one.sort().values.tolist() == list(range(1000))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("first_step", [0, 1, 2, 3, 5])
def test_batches_continue_where_a_run_stopped(first_step: int) -> None:
    """10 examples make 3 batches of 3 per epoch; the tenth one of each epoch is dropped."""
    orders = [epoch_order(10, 7, epoch).tolist() for epoch in range(3)]
    expected = [order[k : k + 3] for order in orders for k in (0, 3, 6)]
    batches = batch_indices(10, repeat(3), 7, first_step)
    found = [batch.tolist() for batch in islice(batches, 9 - first_step)]
    assert found == expected[first_step:]


def test_batches_of_growing_size() -> None:
    """An epoch of 10 holds 3 + 3 + 4; the next ends before the 6 that no longer fit."""
    first, second, third = (epoch_order(10, 7, epoch).tolist() for epoch in range(3))
    expected = [first[:3], first[3:6], first[6:], second[:6], third[:6]]
    for skipped in range(5):
        batches = batch_indices(10, [3, 3, 4, 6, 6], 7, skipped)
        assert [batch.tolist() for batch in batches] == expected[skipped:]
