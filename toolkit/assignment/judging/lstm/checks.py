"""Judges a student's LSTM: equations (1) to (7), batch sizes and sequence lengths, initial states
and weights, gradients, and learning.
"""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from toolkit.assignment.asking.host import Gone, LSTMChild, StudentError, Unwatched
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.evidence import is_plain_rnn
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.handin.syntax import parsed, words_in
from toolkit.assignment.judging.lstm import parameters
from toolkit.assignment.judging.lstm.cell import reference
from toolkit.assignment.judging.lstm.devices import check_device
from toolkit.assignment.judging.lstm.equations import check_equations
from toolkit.assignment.judging.lstm.learning import LENGTH, check_learning
from toolkit.assignment.judging.lstm.modes import modes_agree
from toolkit.assignment.judging.lstm.network import Network, WrongOutput
from toolkit.assignment.judging.lstm.search import find_network
from toolkit.assignment.judging.lstm.sizes import check_sizes
from toolkit.assignment.judging.lstm.source import Source
from toolkit.assignment.judging.lstm.weights import find_counting
from toolkit.assignment.judging.static import used_by
from toolkit.assignment.running.places import Place
from toolkit.assignment.running.replies import Drawn, NetworkClass, SeenCall

NO_PIECES = 1_000_003  # a hidden size that no tensor has


class Ready(NamedTuple):
    """An LSTM that can be built and called."""

    network: Network
    first: StudentError | WrongOutput | None  # what went wrong with the first try to call it
    source: Source
    forward: int | None  # the line of its forward


def check(child: LSTMChild, located: Located, verdicts: Verdicts) -> None:
    """Import the file, find its LSTM and judge it."""
    try:
        ready = find(child, located, verdicts)
        if ready is None:
            return
        _judge(ready.network, ready.first, ready.source, verdicts)
        verdicts.doing(f"learning palindromes of {LENGTH} digits")
        check_learning(ready.network, ready.forward, verdicts)
    except WrongOutput as error:  # although the network gave logits before
        raise Gone({}, disturbed=True) from error


def find(child: LSTMChild, located: Located, verdicts: Verdicts) -> Ready | None:
    """Import the file, and find out how to build and call its LSTM.

    Returns:
        None if the LSTM cannot be judged any further; `verdicts` then contains the reason.
    """
    verdicts.doing("how the training calls it")
    _watch(child, located)
    verdicts.doing(f"importing {verdicts.shown(located.file)}")
    try:
        kinds = child.ask.load(file=located.file, name=located.name)["classes"]
    except StudentError as error:
        verdicts.error(error, importing=True)
        return None
    if not kinds:
        proof = claims.shared.none_is_among(items=["LSTM"], among=[])
        verdicts.fault("does-not-run.no-class", proof=proof)
        return None

    verdicts.doing("building the LSTM and calling it")
    text = child.ask.source(file=located.file)
    network, first = find_network(child, _likely(kinds, text))
    kind = kinds[0]
    if network is not None:
        kind = next(entry for entry in kinds if entry["name"] == network.usage.kind)
    if _forbidden(child, network, kind["line"], verdicts):
        return None
    if network is None:
        _report_failure(first, kind["forward"], verdicts)
        return None
    return Ready(network, first, Source(text, kind["name"]), kind["forward"])


def _likely(kinds: Sequence[NetworkClass], text: str) -> dict[str, SeenCall | None]:
    """Return the classes that may be the LSTM, each with the way in which the training script calls
    it (None if no such call was seen).

    Plain RNNs are left out, and so are the classes that are used by the class most likely to be the
    LSTM, for example as its cell.

    Args:
        kinds: the classes in the file, the likeliest LSTM first.
        text: of the file.
    """
    name, tree = kinds[0]["name"], parsed(text)
    left_out: set[str] = set()
    if tree is not None:
        left_out |= words_in(*used_by(tree, [name]))
        for kind in kinds:
            if is_plain_rnn(kind["name"].lower(), words_in(*used_by(tree, [kind["name"]]))):
                left_out.add(kind["name"])
    left_out.discard(name)
    return {kind["name"]: kind["seen"] for kind in kinds if kind["name"] not in left_out}


def _report_failure(
    first: StudentError | WrongOutput | None, line: int | None, verdicts: Verdicts
) -> None:
    """Report that the LSTM cannot be built or called, with the most informative of the errors that
    occurred when the check tried to build and call it.
    """
    if isinstance(first, WrongOutput):
        shapes, wanted = first.args
        proof = claims.shared.differ(actual=shapes, expected=wanted)
        verdicts.fault("wrong-shape.output", line=line, proof=proof, got=first)
    elif first is not None:
        verdicts.error(first)


def _watch(child: LSTMChild, located: Located) -> None:
    """Run the training to see how it builds and calls the LSTM.

    Raises:
        Unwatched: the process that runs the student's code ended during the training; a new process
            can judge the network without running the training.
    """
    try:
        with contextlib.suppress(StudentError):  # an error here is not about the network
            files, existing = located.witnesses, located.existing
            child.ask.watch(files=files, name=located.name, existing=existing)
    except Gone as gone:
        raise Unwatched(child.ended or {}) from gone


def _judge(
    network: Network, first: StudentError | WrongOutput | None, source: Source, verdicts: Verdicts
) -> None:
    """Judge an LSTM that can be built and called."""
    verdicts.doing("other batch sizes and lengths")
    check_sizes(network, first, source, verdicts)
    verdicts.doing("initial state and weights")
    network.build()
    find_counting(network)
    parameters.check_filled(network, verdicts)
    drawn, remade = look(network)
    repeats = parameters.check_repeats(drawn, remade, network, verdicts)
    _check_probabilities(network, verdicts)
    if repeats or not drawn:
        verdicts.doing("equations (1) to (7)")
        if modes_agree(network, verdicts):
            check_equations(network, source, verdicts)
    parameters.check_registered(network, verdicts)
    if repeats and not remade:
        verdicts.doing("gradients")
        parameters.check_gradients(network, verdicts)
    verdicts.doing("another device than the CPU")
    check_device(network, source.text, verdicts)


def look(network: Network) -> tuple[list[Drawn], list[str]]:
    """Count how often a forward pass uses each tensor, and find each call of softmax.

    Returns:
        the tensors that are drawn at random during a forward pass, and the names of the network's
        parameters that the pass replaces.
    """
    usage = network.usage
    x = network.digits(usage.batch, usage.steps)
    inputs = [network.encode(x)]
    answer = network.child.ask.record(inputs=inputs, batch=usage.batch, hidden=NO_PIECES)
    network.uses = answer["uses"]
    network.softmax = answer["softmax"] or answer["made"]
    network.new = [(Place(*place), shape, zero) for place, shape, zero in answer["new"]]
    network.kept = answer["kept"]
    network.cut = Place(*answer["cut"][0]) if answer["cut"] else None
    network.written = {name: Place(*place) for name, place in answer["written"].items()}
    network.count_uses()
    network.find_real()
    return answer["random"], answer["remade"]


def _forbidden(
    child: LSTMChild, network: Network | None, line: int | None, verdicts: Verdicts
) -> bool:
    """Report code that uses the GPU, or that uses torch's recurrent modules.

    Returns:
        True if the code calls one of torch's recurrent modules, or if the network contains one.
    """
    calls = child.ask.calls()
    if calls["gpu"]:
        name, file, line_number = calls["gpu"][0]
        proof = claims.shared.was_seen(name)
        verdicts.fault("fixed-device.gpu", at=Place(file, line_number), proof=proof)
    if calls["recurrent"]:
        name, file, line_number = calls["recurrent"][0]
        proof = claims.shared.was_seen(name)
        verdicts.fault("forbidden-module.called", at=Place(file, line_number), proof=proof)
        return True
    if network is not None and network.recurrent:
        made = next((place for place in network.recurrent if place.line), None)
        proof = claims.shared.was_seen([list(place) for place in network.recurrent])
        verdicts.fault("forbidden-module.contained", line=line, at=made, proof=proof)
        return True
    return False


def _check_probabilities(network: Network, verdicts: Verdicts) -> None:
    """Record whether the model applies the softmax itself, and report a softmax over the batch."""
    output = network.run([network.digits(network.usage.batch, network.usage.steps)])[0]
    place = Place(*network.softmax[-1][1:]) if network.softmax else None
    kind, axis = reference.kind_of(output)
    if kind == "probabilities" and axis == 1:
        verdicts.facts.add("gives-probabilities")
    elif axis == 0:
        proof = reference.is_over_batch(output)
        verdicts.fault("wrong-equation.softmax-axis", at=place, proof=proof)
