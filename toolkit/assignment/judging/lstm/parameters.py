"""Judges the parameters of an LSTM and their gradients."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import torch

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts, listed
from toolkit.assignment.judging.lstm.network import Network
from toolkit.assignment.judging.lstm.weights import is_state, randomise, unlearnt
from toolkit.assignment.running.replies import Drawn

WIDTH = 2e-3  # how far a weight is moved to measure a slope
MAX_ERROR = 0.05  # of autograd's slope, relative to the measured one


def check_filled(network: Network, verdicts: Verdicts) -> None:
    """Report weights whose memory was never initialised."""
    unfilled = [tensor for tensor in network.tensors if tensor["unfilled"]]
    names = [tensor["name"] for tensor in unfilled if tensor["name"] in network.counting]
    if names:
        _report("uninitialised-weight.empty", names, network, verdicts)
        zeros = {tensor["name"]: torch.zeros(tensor["shape"]) for tensor in unfilled}
        network.child.ask.put(values=zeros)


def check_repeats(
    drawn: Sequence[Drawn], remade: Sequence[str], network: Network, verdicts: Verdicts
) -> bool:
    """Report a network that returns two different outputs for the same input.

    Two outputs for the same input can differ if the forward pass draws random numbers, keeps a
    state for the next pass or replaces parameters.

    Args:
        drawn: the tensors that are drawn at random in a forward pass.
        remade: the parameters that a forward pass replaces.

    Returns:
        True if the two outputs are the same.
    """
    if remade and not verdicts.has("parameter-not-learnable"):
        _report("parameter-not-learnable.remade", remade, network, verdicts, "self.")
    x = network.digits(network.usage.batch, network.usage.steps)
    first, second = network.run([x, x], seeds=[0, 1])
    if torch.allclose(first, second, atol=1e-5):
        return True
    difference = float((first - second).abs().max())
    draws = [(shape, line) for _, shape, _, line in drawn if shape]
    if draws and not remade:
        shape, line = draws[0]
        has_rows = network.usage.batch in shape or 1 in shape or len(shape) < 2
        rule = "nonzero-initial-state" if has_rows else "parameter-not-learnable"
        proof = claims.lstm.answers_differ(difference, cause=tuple(shape))
        verdicts.fault(f"{rule}.drawn", line=line, proof=proof)
    elif not verdicts.has("nonzero-initial-state"):
        _report_memory(difference, remade, network, verdicts)
    return False


def _report_memory(
    difference: float, remade: Sequence[str], network: Network, verdicts: Verdicts
) -> None:
    """Report a network that keeps information from one forward pass to the next.

    Args:
        difference: the largest difference between the network's two outputs for the same input.
        remade: the parameters that a forward pass replaces.
    """
    kept = _kept_states(remade, network)
    if kept:
        at = network.written.get(kept[0]) or network.made(kept[0])
        proof = claims.lstm.answers_differ(difference, cause=kept[0])
        verdicts.fault("nonzero-initial-state.kept", at=at, proof=proof)
    elif not verdicts.has("parameter-not-learnable"):
        at = next((place for place, _, _ in network.new if place.line), None)
        proof = claims.lstm.answers_differ(difference, cause="")
        verdicts.fault("nonzero-initial-state.differs", at=at, proof=proof)


def _kept_states(remade: Sequence[str], network: Network) -> list[str]:
    """Return the states that a forward pass keeps for the next pass.

    Args:
        remade: the parameters that a forward pass replaces. The other tensors that the pass changes
            are returned only if the name of every parameter that it replaces suggests an initial
            state.
    """
    kept = []
    for tensor in network.tensors:
        if tensor["name"] in remade and is_state(tensor):
            kept.append(tensor["name"])
    if len(kept) == len(remade):
        kept += network.kept
    return kept


def check_registered(network: Network, verdicts: Verdicts) -> None:
    """Report weights that are not in model.parameters() or do not require a gradient."""
    parameters = [tensor for tensor in network.tensors if tensor["kind"] == "parameter"]
    loose = unlearnt(network)
    if loose:
        learnt = [tensor["name"] for tensor in parameters]
        _report("parameter-not-learnable.loose", loose, network, verdicts, "self.", learnt)
    _check_frozen(parameters, network, verdicts)
    states = _loose_states(network)
    if states and not verdicts.has("nonzero-initial-state"):
        _report("nonzero-initial-state.begins", states, network, verdicts)


def _check_frozen(
    parameters: Sequence[dict[str, Any]], network: Network, verdicts: Verdicts
) -> None:
    """Report parameters that are used but do not require a gradient."""
    often, hidden = network.usage.steps - 1, network.usage.hidden or 128
    names = []
    is_weight = may_be_weight = False
    for tensor in parameters:
        if not _is_frozen(tensor, often):
            continue
        names.append(tensor["name"])
        is_multiple = [size % hidden == 0 for size in tensor["shape"] or [1]]
        is_weight |= all(is_multiple)
        may_be_weight |= any(is_multiple)  # or it encodes the input
    if is_weight:
        learnt = [tensor["name"] for tensor in parameters if tensor["grad"]]
        _report("parameter-not-learnable.frozen", names, network, verdicts, "", learnt)
    elif may_be_weight:
        verdicts.not_seen("frozen", at=network.made(names[0]), names=listed(names))


def _is_frozen(parameter: dict[str, Any], often: int) -> bool:
    """True if a parameter is used, does not require a gradient and is not an initial state.

    Args:
        often: a parameter that is zero at first counts as an initial state only if one forward pass
            uses it fewer than `often` times.
    """
    if parameter["grad"] or not parameter["uses"]:
        return False
    return not parameter["zero"] or parameter["uses"] >= often


def _loose_states(network: Network) -> list[str]:
    """Return the names of the initial states that are neither parameters nor buffers and that are
    not zero in a newly built network.
    """
    states = []
    for tensor in network.tensors:
        counts = tensor["kind"] == "loose" and tensor["name"] in network.counting
        if counts and not tensor["zero"] and is_state(tensor):
            states.append(tensor["name"])
    return states


def check_gradients(network: Network, verdicts: Verdicts) -> None:
    """Compare autograd's gradient of each parameter with a slope that is measured by changing the
    parameter slightly.
    """
    network.build(hidden=network.usage.hidden)
    randomise(network)
    x = network.digits(network.usage.batch, network.usage.steps, seed=3)
    pick = network.outputs([x])[0].index
    try:
        answer = network.child.ask.slopes(x=network.encode(x), pick=pick, width=WIDTH)
    except StudentError as error:
        verdicts.fault(
            "does-not-run.backward",
            at=error if error.line else network.cut,
            raised=error,
            proof=claims.shared.failed_once(error=str(error), place=[error.file, error.line]),
            kind=error.types[0],
            problem=error.text.partition(". ")[0][:200].rstrip("."),
        )
        return
    slopes = []
    for tensor in sorted(network.tensors, key=lambda tensor: str(tensor["name"])):
        name = tensor["name"]
        if tensor["kind"] == "parameter" and tensor["grad"] and name in answer:
            slopes.append(Slope(name, *(float(number or 0.0) for number in answer[name])))
    _judge_slopes(slopes, network, verdicts)


class Slope(NamedTuple):
    """The rate at which a weighted sum of the network's outputs changes as one parameter is moved
    in a random direction.
    """

    name: str
    gradient: float  # by autograd
    wide: float  # measured over a wide interval
    near: float  # measured over a narrow interval

    @property
    def error(self) -> float:
        """The absolute difference between the slope that autograd computes and the slope measured
        by moving the parameter over a narrow interval.
        """
        return abs(self.gradient - self.near)

    @property
    def doubt(self) -> float:
        """An estimate of the error in the slope that was measured by moving the parameter over a
        narrow interval.

        Near a kink, such as that of ReLU at 0, the measured slope depends on how far the parameter
        is moved.
        """
        return 3 * abs(self.near - self.wide)


class Judged(NamedTuple):
    """The result of checking the measured slopes of all parameters: which slopes are zero, and
    which differ from autograd's gradient.
    """

    largest: float  # of the measured slopes
    dead: list[Slope]  # zero, by autograd and as measured
    cut: list[Slope]  # autograd's slope certainly differs from the measured slope
    is_clear: bool  # autograd agrees with the measurement for all parameters

    @classmethod
    def of(cls, slopes: Sequence[Slope]) -> Self:
        """Compare the slope measured for each parameter with autograd's gradient: find the
        parameters for which both are zero and those for which the two differ.
        """
        largest = max((abs(slope.near) for slope in slopes), default=0.0)
        dead, cut = [], []
        is_clear = True
        for slope in slopes:
            size = abs(slope.near)
            allowed = MAX_ERROR * size + 0.01 * largest + 1e-3
            if size < 1e-4 * largest + 1e-3 and not slope.gradient:
                dead.append(slope)
            elif slope.error > max(allowed, slope.doubt):
                cut.append(slope)
            is_clear = is_clear and slope.error <= allowed
        return cls(largest, dead, cut, is_clear)


def _judge_slopes(slopes: Sequence[Slope], network: Network, verdicts: Verdicts) -> None:
    """Report parameters whose autograd gradient differs from the measured slope, or whose slope is
    zero.
    """
    largest, dead, cut, is_clear = Judged.of(slopes)
    if cut:
        has_gradients = any(slope.gradient for slope in slopes)
        rule = "broken-gradient.cut" if has_gradients else "broken-gradient.none"
        proof = claims.lstm.gradient_is_no_slope(_measured(cut), largest)
        verdicts.fault(rule, at=network.cut, proof=proof, names=_names_of(cut))
    elif dead and _is_explained(verdicts):
        verdicts.also("no-gradient", names=_names_of(dead))
    elif dead:
        proof = claims.lstm.moving_changes_nothing(_measured(dead), largest)
        at = network.made(dead[0].name)
        verdicts.fault("dead-parameter.unused", at=at, proof=proof, names=_names_of(dead))
    elif is_clear and not verdicts.has("parameter-not-learnable"):
        proof = claims.lstm.gradients_are_slopes(_measured(slopes), largest)
        verdicts.right("gradients", proof=proof)


def _measured(slopes: Sequence[Slope]) -> list[list[float]]:
    return [[slope.gradient, slope.near] for slope in slopes]


def _names_of(slopes: Sequence[Slope]) -> str:
    return listed([slope.name for slope in slopes])


def _is_explained(verdicts: Verdicts) -> bool:
    """True if a deviation from the equations was proved; it may be the reason why some parameters
    have no effect.
    """
    return any(fault.proof and fault.proof.kind == "reproduced" for fault in verdicts.faults)


def _report(
    rule: str,
    names: Sequence[str],
    network: Network,
    verdicts: Verdicts,
    prefix: str = "",
    belonging: Sequence[str] = (),
) -> None:
    """Report a fault in the tensors with the given `names`. The recorded proof of the fault is that
    none of these names is in `belonging`, the names of the tensors that are learnt.
    """
    at = network.written.get(names[0]) or network.made(names[0])
    proof = claims.shared.none_is_among(items=names, among=belonging)
    verdicts.fault(rule, at=at, proof=proof, names=listed([prefix + name for name in names]))
