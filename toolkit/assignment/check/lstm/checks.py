"""Checks of a student's `lstm.py`."""

from pathlib import Path

import torch
from torch import nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm.equations import check_equations
from toolkit.assignment.check.lstm.learning import LENGTH, check_learning
from toolkit.assignment.check.lstm.model import Model, fit_setup
from toolkit.assignment.check.lstm.parameters import check_gradients
from toolkit.assignment.check.student.lines import line_of, line_of_name, place_of
from toolkit.assignment.check.student.recorder import Recorder
from toolkit.assignment.check.student.scripts import find_class

HIDDEN, BATCH, STEPS = 8, 23, 6  # all different, so that no axis passes for another


def check(file: Path, channel: Channel) -> None:
    """Import the file, find the LSTM in it, and try it out."""
    kind = find_class(file, nn.Module, channel, "LSTM")
    if kind is None:
        return
    channel.doing("building the LSTM and calling it")
    recorder = Recorder(channel.root)
    with recorder:
        model, failure = fit_setup(kind, HIDDEN, BATCH, STEPS)
    if recorder.gpu:
        channel.fault(
            "fixed-device",
            "The model puts tensors on the GPU by itself, but the same code should run on a CPU. "
            "On which device is the input, and where do new tensors go?",
            at=recorder.gpu[0],
        )
    if recorder.recurrent:
        call = recorder.recurrent[0]
        message = f"torch's own {call.name} does the work. Write equations (1) to (6) yourself."
        channel.fault("forbidden-module", message, at=call)
    if model is None:
        if failure is not None:
            channel.error(failure)
        return
    if recorder.recurrent or _has_recurrent(model.build()):
        if not recorder.recurrent:
            message = (
                "The model contains a recurrent module of torch. Write the equations yourself."
            )
            channel.fault("forbidden-module", message, line=line_of(kind))
        return
    if recorder.gpu:  # what asks for the GPU gets the CPU, from here on as well
        with Recorder(channel.root):
            _check_model(model, failure, channel)
    else:
        _check_model(model, failure, channel)


def _check_model(model: Model, error: BaseException | None, channel: Channel) -> None:
    channel.doing("other batch sizes and lengths")
    _check_sizes(model, error, channel)
    channel.doing("initial state and gradients")
    _check_start(model, channel)
    _check_probabilities(model, channel)
    channel.doing("equations (1) to (7)")
    check_equations(model, channel)
    check_gradients(model, channel)
    channel.doing(f"learning palindromes of {LENGTH} digits")
    check_learning(model, channel)


def _has_recurrent(network: nn.Module) -> bool:
    return any(isinstance(m, nn.RNNBase | nn.RNNCellBase) for m in network.modules())


def _check_sizes(model: Model, error: BaseException | None, channel: Channel) -> None:
    """Any batch size and any length, on one and the same network."""
    line = None
    good = True
    if model.setup.batch != BATCH:
        good = False
        if error is not None:
            _, line = place_of(error, channel.root)
        channel.fault(
            "fixed-batch-size",
            f"It works with {model.setup.batch} sequences at a time, but not with {BATCH}. The "
            "states have a row for each sequence. Where does their number come from?",
            line=line,
        )
    network = model.build().eval()
    sizes = (1, 7) if good else ()
    for batch in sizes:
        failure = _failure(model, network, batch, model.setup.steps)
        if failure is not None:
            good = False
            channel.fault(
                "fixed-batch-size",
                f"Built for batches of {model.setup.batch}, it fails with {batch} sequences: "
                f"{_said(failure)}. The last batch of a data set is smaller. Where does the batch "
                "size come from?",
                line=place_of(failure, channel.root)[1],
            )
            break
    for steps in (2, 3 * model.setup.steps):
        failure = _failure(model, network, model.setup.batch, steps)
        what = None if failure is None else f"it fails: {_said(failure)}"
        stops_early = failure is None and not _reads_all(model, network, steps)
        if stops_early and _reads_all(model, network, model.setup.steps):
            what = "it does not read all of them"
        if what is not None:
            good = False
            channel.fault(
                "fixed-sequence-length",
                f"Given {steps} digits instead of {model.setup.steps}, {what}. Where does the loop "
                "over time get its number of steps from?",
                line=None if failure is None else place_of(failure, channel.root)[1],
            )
            break
    if good:
        channel.right("The model works for any batch size and any length.")


def _failure(model: Model, network: nn.Module, batch: int, steps: int) -> BaseException | None:
    try:
        with torch.no_grad():
            model.run(network, model.random(batch, steps))
    except Exception as error:  # whatever a student's code raises
        return error
    return None


def _said(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")


@torch.no_grad()
def _reads_all(model: Model, network: nn.Module, steps: int) -> bool:
    """Whether the last step makes a difference."""
    x = model.random(model.setup.batch, steps)
    other = x.clone()
    other[:, -1] = x[:, -1].roll(1, 0) + 1
    return not torch.equal(model.run(network, x), model.run(network, other))


@torch.no_grad()
def _check_start(model: Model, channel: Channel) -> None:
    """h(0) = c(0) = 0 in every call, so the same input gives the same answer twice."""
    network = model.build().eval()
    x = model.random(model.setup.batch, model.setup.steps)
    first = model.run(network, x).clone()
    if not torch.allclose(first, model.run(network, x), atol=1e-5):
        channel.fault(
            "nonzero-initial-state",
            "The same input gives another answer the second time. h(0) and c(0) should be zero in "
            "every call, neither random nor left over from the last batch.",
            line=line_of_name(channel.root / channel.file, "h", "c"),
        )


@torch.no_grad()
def _check_probabilities(model: Model, channel: Channel) -> None:
    output = model.run(model.build().eval(), model.random(model.setup.batch, model.setup.steps))
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        channel.fact("gives-probabilities")
