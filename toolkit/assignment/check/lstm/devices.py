"""Whether everything that a student's LSTM makes goes where its parameters are."""

from typing import Any

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.weights import unlearnt
from toolkit.assignment.check.verdicts import Place, Verdicts


def check_device(network: Network, text: str, verdicts: Verdicts) -> None:
    """Move the network to another device, and see what stays behind."""
    if verdicts.has("fixed-device"):
        return
    try:
        left = _left(network, "is_available" in text)
    except StudentError:
        verdicts.not_seen("device")
        return
    if left is None:
        verdicts.right("device")
        return
    file, line, name = left
    at = network.made(name) if name else Place(file, line)
    proof = {"works": "the model", "fails": name or "a tensor"}
    what = f"self.{name}: " if name else ""
    verdicts.fault("fixed-device.stays", at=at, proof=proof, what=what)


def _left(network: Network, again: bool) -> Any:
    """What is not on the other device, after the file was imported again there, if it should be."""
    way = network.way
    answer = network.student.ask(
        "elsewhere",
        sizes=way.sizes(device="cuda"),
        x=network.encode(network.digits(way.batch, way.steps)),
        again=again,
        moved=unlearnt(network),  # a fault of its own: once these are parameters, they move
    )
    return answer["left"]
