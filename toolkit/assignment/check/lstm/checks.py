"""Checks of a student's `lstm.py`."""

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import RMSprop

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm.equations import check_equations
from toolkit.assignment.check.lstm.model import Model, fit_setup
from toolkit.assignment.check.lstm.parameters import check_gradients
from toolkit.assignment.check.student.lines import line_of, line_of_name, place_of
from toolkit.assignment.check.student.recorder import Recorder
from toolkit.assignment.check.student.scripts import find_class
from toolkit.common.device import make_rng
from toolkit.lstm.data import held_out, palindromes, split_last

HIDDEN, BATCH, STEPS = 6, 23, 6  # all different, so that no axis passes for another
LENGTH = 5  # T of the learning check
MAX_SECONDS = 20.0  # of CPU time
MAX_STEPS = 3000
LEARNT = 0.9  # accuracy on unseen palindromes; chance is 0.1


def check(file: Path, channel: Channel) -> None:
    """Import the file, find the LSTM in it, and try it."""
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
            "It puts tensors on the GPU by itself. The same code should run on a CPU: where does "
            "the input lie, and where do new tensors go?",
            at=recorder.gpu[0],
        )
    if recorder.recurrent:
        call = recorder.recurrent[0]
        message = f"torch's own {call.name} does the work; write equations (1) to (6) yourself."
        channel.fault("forbidden-module", message, at=call)
    if model is None:
        if failure is not None:
            channel.error(failure)
        return
    if recorder.recurrent or _has_recurrent(model.build()):
        if not recorder.recurrent:
            message = "The model holds a recurrent module of torch; write the equations yourself."
            channel.fault("forbidden-module", message, line=line_of(kind))
        return
    if recorder.gpu:  # from here on without the stand-in for the GPU
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
    _check_learning(model, channel)


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
            f"It works with {model.setup.batch} sequences at a time and fails with {BATCH}. The "
            "states have a row for each sequence: where does their number come from?",
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
                f"{_said(failure)}. The last batch of a data set is smaller: where does the size "
                "come from?",
                line=place_of(failure, channel.root)[1],
            )
            break
    for steps in (2, 3 * model.setup.steps):
        failure = _failure(model, network, model.setup.batch, steps)
        what = None if failure is None else f"it fails: {_said(failure)}"
        deaf = not _reads_all(model, network, steps) if failure is None else False
        if deaf and _reads_all(model, network, model.setup.steps):
            what = "it does not read all of them"
        if what is not None:
            good = False
            channel.fault(
                "fixed-sequence-length",
                f"Given {steps} digits in place of {model.setup.steps}, {what}. Where does the "
                "loop over time take its number of steps from?",
                line=None if failure is None else place_of(failure, channel.root)[1],
            )
            break
    if good:
        channel.right("Any batch size and any length.")


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
    """Whether the last step matters."""
    x = model.random(model.setup.batch, steps)
    other = x.clone()
    other[:, -1] = x[:, -1].roll(1, 0) + 1
    return not torch.equal(model.run(network, x), model.run(network, other))


@torch.no_grad()
def _check_start(model: Model, channel: Channel) -> None:
    """h(0) = c(0) = 0 each time: the same input gives the same answer, alone and in company."""
    network = model.build().eval()
    x = model.random(model.setup.batch, model.setup.steps)
    first = model.run(network, x).clone()
    if not torch.allclose(first, model.run(network, x), atol=1e-5):
        channel.fault(
            "nonzero-initial-state",
            "The same input gives another answer the second time. h(0) and c(0) are zero in every "
            "call: neither random nor what the last batch left behind.",
            line=line_of_name(channel.root / channel.file, "h", "c"),
        )


@torch.no_grad()
def _check_probabilities(model: Model, channel: Channel) -> None:
    output = model.run(model.build().eval(), model.random(model.setup.batch, model.setup.steps))
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        channel.fact("gives-probabilities")


def _check_learning(model: Model, channel: Channel) -> None:
    """T = 5 with a reference loop: batch 128, hidden 128, RMSProp 1e-3, clipped at 10."""
    fixed = model.setup.batch if channel.has("fixed-batch-size") else 128
    hidden = model.setup.batch if model.setup.batch == model.setup.hidden else 128
    if hidden != 128 or channel.has("fixed-sequence-length"):
        channel.not_seen("Whether it learns was not tried: its sizes are fixed.")
        return
    torch.manual_seed(0)
    network = model.build(hidden=hidden, batch=fixed, steps=LENGTH - 1)
    optimizer = RMSprop([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    stream = make_rng(0, "train batches")
    unseen, answers = split_last(held_out(LENGTH, "test", 100, make_rng(0, "test")))
    rows = torch.arange(fixed) % len(unseen)  # one batch of the right size
    clock = time.process_time()
    max_seconds = 3.0 if channel.faults else MAX_SECONDS
    accuracy = 0.0
    step = 0
    while step < MAX_STEPS and time.process_time() - clock < max_seconds:
        step += 1
        digits, labels = split_last(palindromes(fixed, LENGTH, split="train", rng=stream))
        loss = F.nll_loss(_log(model.run(network, model.digits(digits))), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                said = model.run(network.eval(), model.digits(unseen[rows])).argmax(1)
            network.train()
            accuracy = float((said == answers[rows]).float().mean())
            if accuracy > 0.99:
                break
    seconds = time.process_time() - clock
    measured = (
        f"{accuracy:.0%} of unseen palindromes of {LENGTH} digits after {step} steps of RMSProp in "
        f"{seconds:.0f} s"
    )
    if accuracy >= LEARNT:
        channel.right(f"It learns: {measured}.")
    elif channel.faults:
        channel.not_seen(f"It does not learn yet ({measured}); what is wrong above may be why.")
    elif step < 500:
        channel.not_seen(f"It is too slow here to say whether it learns: {measured}.")
    else:
        channel.fault(
            "does-not-learn",
            f"It does not learn: {measured}. Look at how the weights start: not all equal, "
            "neither tiny nor huge.",
            line=line_of(model.kind, "__init__"),
        )


def _log(output: Tensor) -> Tensor:
    """Log-probabilities, of logits or of probabilities."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
