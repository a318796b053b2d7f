"""Whether everything that a student's LSTM makes goes where its parameters are."""

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.lstm.weights import is_state, is_weight
from toolkit.assignment.check.verdicts import Place, Verdicts

MESSAGE = (
    "A tensor that is made here stays on the CPU when the model is moved to another device, so the "
    "model cannot be trained on a GPU. On which device is the input?"
)
RIGHT = "Everything that the model makes goes where its parameters are."


def check_device(network: Network, source: Source, verdicts: Verdicts) -> None:
    """Move the network to another device, and see what stays behind."""
    if verdicts.has("fixed-device"):
        return
    if line := source.chooses_gpu():
        verdicts.fault(
            "fixed-device",
            "forward puts tensors on a GPU whenever there is one, wherever the model is. On which "
            "device is the input?",
            line=line,
        )
        return
    way = network.way
    x = network.digits(way.batch, way.steps)
    try:
        answer = network.student.ask(
            "elsewhere",
            sizes=way.sizes(device="cuda"),
            x=network.encode(x),
            again="is_available" in "\n".join(source.lines),
            moved=_weights(network),
            **network.call(way.batch),
        )
    except StudentError:
        return  # the device has no numbers, which not every code bears: nothing is known
    if answer["left"] is None:
        verdicts.right(RIGHT)
        return
    file, line, name = answer["left"]
    if name is not None:
        verdicts.fault("fixed-device", f"self.{name}: {MESSAGE}", at=network.made(name))
    else:
        verdicts.fault("fixed-device", MESSAGE, at=Place(file, line))


def _weights(network: Network) -> list[str]:
    """Weights that are no parameters, which is a fault of its own: once they are, they move."""
    loose = [t for t in network.tensors if t["kind"] == "loose" and not is_state(t)]
    return [t["name"] for t in loose if t["uses"] and is_weight(t, network)]
