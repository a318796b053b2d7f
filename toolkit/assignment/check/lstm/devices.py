"""Whether everything that a student's LSTM makes goes where its parameters are."""

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.weights import unlearnt
from toolkit.assignment.check.verdicts import Verdicts


def check_device(network: Network, text: str, verdicts: Verdicts) -> None:
    """Move the network to another device, and see what stays behind; `text` is of the file."""
    if verdicts.has("fixed-device"):
        return
    way = network.way
    try:
        left = network.student.ask(
            "elsewhere",
            sizes=way.sizes(device="cuda"),
            x=network.encode(network.digits(way.batch, way.steps)),
            again="is_available" in text,  # then the file may decide when it is imported
            moved=unlearnt(network),  # a fault of its own: once these are parameters, they move
        )["left"]
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
