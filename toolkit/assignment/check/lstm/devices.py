"""Whether everything that a student's LSTM makes goes where its parameters are."""

import contextlib
from typing import Any

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import is_state, is_weight
from toolkit.assignment.check.verdicts import Place, Verdicts


def check_device(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Move the network to another device, and see what stays behind."""
    if verdicts.has("fixed-device"):
        return
    if line := source.chooses_gpu():
        proof = {"text": source.lines[line - 1]}
        verdicts.fault("fixed-device.where-there-is-one", line=line, proof=proof)
        return
    again = "is_available" in "\n".join(source.lines)
    try:
        left = _left(network, again)
    except StudentError:  # the device has no numbers, which not every code bears
        with contextlib.suppress(StudentError):  # what the file decides when it is imported is open
            if again and _left(network, again=False) is None:
                verdicts.right("device")
                return
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
        moved=_weights(network),
        **network.call(way.batch),
    )
    return answer["left"]


def _weights(network: Network) -> list[str]:
    """Weights that are no parameters, which is a fault of its own: once they are, they move."""
    loose = [t for t in network.tensors if t["kind"] == "loose" and not is_state(t)]
    return [t["name"] for t in loose if t["uses"] and is_weight(t, network)]
