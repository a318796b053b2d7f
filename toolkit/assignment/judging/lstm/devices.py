"""Judges whether all tensors of an LSTM are on the same device as its parameters."""

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts, listed
from toolkit.assignment.judging.lstm.network import Network
from toolkit.assignment.judging.lstm.weights import unlearnt
from toolkit.assignment.running.places import Place


def check_device(network: Network, text: str, verdicts: Verdicts) -> None:
    """Call the network as if it had been moved to a GPU, and report a tensor that stays on the CPU.

    Weights and biases that are missing from `parameters()` are reported in a separate finding. The
    check assumes that they are moved to the GPU too, so it never reports that they stay on the CPU.

    Args:
        text: the text of the file that defines the network.
    """
    if verdicts.has("fixed-device"):
        return
    usage = network.usage
    buffers = {tensor["name"] for tensor in network.tensors if tensor["kind"] == "buffer"}
    assumed = [name for name in unlearnt(network) if name not in buffers]  # buffers do move
    try:
        behind = network.child.ask.elsewhere(
            sizes=usage.sizes(device="cuda"),
            x=network.encode(network.digits(usage.batch, usage.steps)),
            again="is_available" in text,  # then the file may choose a device on import
            moved=assumed,
        )["left"]
    except StudentError:
        verdicts.not_seen("device")
        return
    if behind is None:
        proof = claims.lstm.all_tensors_move(tensors=len(network.tensors), left=behind)
        if assumed:
            verdicts.right("other-devices", proof=proof, names=listed(assumed))
        else:
            verdicts.right("device", proof=proof)
        return
    file, line, name = behind
    at = network.made(name) if name else Place(file, line)
    proof = claims.shared.only_one_works(works="the model", fails=name or "a tensor")
    tensor = f"self.{name}" if name else "A tensor that is created here"
    verdicts.fault("fixed-device.stays", at=at, proof=proof, what=tensor)
