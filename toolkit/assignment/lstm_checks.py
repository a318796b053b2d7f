"""Checks of a student's `lstm.py`."""

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import RMSprop

from toolkit.assignment.equations import check_equations, source_line
from toolkit.assignment.lstm_model import Model, fit_setup, line_of_attribute
from toolkit.assignment.sink import Sink
from toolkit.assignment.submission import classes, import_file, pick, place_of
from toolkit.assignment.watch import Watch
from toolkit.device import random_stream
from toolkit.lstm.data import held_out, palindromes, split_last

HIDDEN, BATCH, STEPS = 6, 23, 6  # all different, so that no axis passes for another
LENGTH = 5  # T of the learning check
MAX_SECONDS = 20.0  # of CPU time
MAX_STEPS = 3000
LEARNT = 0.9  # accuracy on unseen palindromes; chance is 0.1


def check(file: Path, sink: Sink) -> None:
    """Import the file, find the LSTM in it, and try it."""
    sink.doing("importing lstm.py")
    try:
        module = import_file(file)
    except (Exception, SystemExit) as error:
        sink.error(error, importing=True)
        return
    kind = pick(classes(module, nn.Module), "lstm")
    if kind is None:
        sink.fault("does-not-run", "There is no class LSTM(nn.Module) in it.")
        return
    sink.doing("building the LSTM and calling it")
    watch = Watch(sink.root)
    with watch:
        model, failure = fit_setup(kind, HIDDEN, BATCH, STEPS)
    for _, line in watch.gpu[:1]:
        sink.fault(
            "fixed-device",
            "It puts tensors on the GPU by itself. Make new tensors where the input is "
            "(device=x.device), so that the same code runs on a CPU.",
            line=line,
        )
    if watch.recurrent:
        name, _, line = watch.recurrent[0]
        message = f"torch's own {name} does the work; write equations (1) to (6) yourself."
        sink.fault("forbidden-module", message, line=line)
    if model is None:
        if failure is not None:
            sink.error(failure)
        return
    if watch.recurrent or _has_recurrent(model.build()):
        if not watch.recurrent:
            message = "The model holds a recurrent module of torch; write the equations yourself."
            sink.fault("forbidden-module", message, line=source_line(kind))
        return
    if watch.gpu:  # from here on without the stand-in for the GPU
        with Watch(sink.root):
            _check_model(model, failure, sink)
    else:
        _check_model(model, failure, sink)


def _check_model(model: Model, error: BaseException | None, sink: Sink) -> None:
    sink.doing("other batch sizes and lengths")
    _check_sizes(model, error, sink)
    sink.doing("initial state and gradients")
    _check_start(model, sink)
    _check_probabilities(model, sink)
    sink.doing("equations (1) to (7)")
    check_equations(model, sink)
    _check_gradients(model, sink)
    sink.doing(f"learning palindromes of {LENGTH} digits")
    _check_learning(model, sink)


def _has_recurrent(network: nn.Module) -> bool:
    return any(isinstance(m, nn.RNNBase | nn.RNNCellBase) for m in network.modules())


def _check_sizes(model: Model, error: BaseException | None, sink: Sink) -> None:
    """Any batch size and any length, on one and the same network."""
    line = None
    good = True
    if model.setup.batch != BATCH:
        good = False
        if error is not None:
            _, line = place_of(error, sink.root)
        sink.fault(
            "fixed-batch-size",
            f"It works with {model.setup.batch} sequences at a time and fails with {BATCH}. The "
            "states have a row for each sequence: take their number from the input.",
            line=line,
        )
    network = model.build().eval()
    sizes = (1, 7) if good else ()
    for batch in sizes:
        failure = _failure(model, network, batch, model.setup.steps)
        if failure is not None:
            good = False
            sink.fault(
                "fixed-batch-size",
                f"Built for batches of {model.setup.batch}, it fails with {batch}: {failure}. "
                "The last batch of a data set is smaller; take the size from the input.",
                line=_line(failure, sink),
            )
            break
    for steps in (2, 3 * model.setup.steps):
        failure = _failure(model, network, model.setup.batch, steps)
        what = None if failure is None else f"it fails: {failure}"
        deaf = not _reads_all(model, network, steps) if failure is None else False
        if deaf and _reads_all(model, network, model.setup.steps):
            what = "it does not read all of them"
        if what is not None:
            good = False
            sink.fault(
                "fixed-sequence-length",
                f"Given {steps} digits in place of {model.setup.steps}, {what}. The loop over time "
                "goes as far as the input does.",
                line=_line(failure, sink),
            )
            break
    if good:
        sink.right("Any batch size and any length.")


def _line(failure: BaseException | None, sink: Sink) -> int | None:
    return None if failure is None else place_of(failure, sink.root)[1]


def _random(model: Model, batch: int, steps: int) -> Tensor:
    return model.digits(torch.randint(10, (batch, steps)))


def _failure(model: Model, network: nn.Module, batch: int, steps: int) -> BaseException | None:
    try:
        with torch.no_grad():
            model.run(network, _random(model, batch, steps))
    except Exception as error:  # whatever a student's code raises
        return error
    return None


@torch.no_grad()
def _reads_all(model: Model, network: nn.Module, steps: int) -> bool:
    """Whether the last step matters."""
    x = _random(model, model.setup.batch, steps)
    other = x.clone()
    other[:, -1] = x[:, -1].roll(1, 0) + 1
    return not torch.equal(model.run(network, x), model.run(network, other))


@torch.no_grad()
def _check_start(model: Model, sink: Sink) -> None:
    """h(0) = c(0) = 0 each time: the same input gives the same answer, alone and in company."""
    network = model.build().eval()
    x = _random(model, model.setup.batch, model.setup.steps)
    first = model.run(network, x).clone()
    if not torch.allclose(first, model.run(network, x), atol=1e-5):
        sink.fault(
            "nonzero-initial-state",
            "The same input gives another answer the second time. h(0) and c(0) are zero in every "
            "call: neither random nor what the last batch left behind.",
        )


@torch.no_grad()
def _check_probabilities(model: Model, sink: Sink) -> None:
    output = model.run(model.build().eval(), _random(model, model.setup.batch, model.setup.steps))
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        sink.fact("gives-probabilities")


def _check_gradients(model: Model, sink: Sink) -> None:
    """One backward pass reaches every parameter, and the first step of the sequence."""
    network = model.build()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)  # starting at zero is another fault
    batch = model.setup.batch
    x = _random(model, batch, model.setup.steps).requires_grad_()
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    if frozen:
        message = f"{_list(frozen)} has requires_grad=False, so it is never learnt."
        line = _line_of(frozen[0], sink)
        sink.fault("parameter-not-learnable", message, line=line)
    try:
        logits = model.run(network, x)
        F.cross_entropy(logits, torch.arange(batch) % 10).backward()
    except RuntimeError as error:
        sink.error(error)
        return
    if sink.has("wrong-equation", "state-not-carried", "fixed-sequence-length"):
        return  # these starve weights as well
    if sink.has("loss-not-last-step"):
        return
    dead = [
        name
        for name, p in network.named_parameters()
        if p.requires_grad and (p.grad is None or not bool(p.grad.any()))
    ]
    if dead:
        sink.fault(
            "dead-parameter",
            f"No gradient reaches {_list(dead)}: the output does not depend on it. Is it used in "
            "forward?",
            line=_line_of(dead[0], sink),
        )
    if x.grad is None or not bool(x.grad[:, 0].any()):
        if not dead:
            sink.fault(
                "broken-gradient",
                "No gradient reaches the first digit: the path through time is cut. Look for "
                ".detach(), .data, .item() or no_grad in the loop.",
            )
    elif not dead and not frozen and not sink.has("parameter-not-learnable"):
        sink.right("Gradients reach every parameter, and the first digit.")


def _list(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _line_of(name: str, sink: Sink) -> int | None:
    return line_of_attribute(sink.root / sink.file, name)


def _check_learning(model: Model, sink: Sink) -> None:
    """T = 5 with a reference loop: batch 128, hidden 128, RMSProp 1e-3, clipped at 10."""
    fixed = model.setup.batch if sink.has("fixed-batch-size") else 128
    hidden = model.setup.batch if model.setup.batch == model.setup.hidden else 128
    if hidden != 128 or sink.has("fixed-sequence-length"):
        sink.note("Whether it learns was not tried: its sizes are fixed.")
        return
    torch.manual_seed(0)
    network = model.build(hidden=hidden, batch=fixed, steps=LENGTH - 1)
    optimizer = RMSprop([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    stream = random_stream(0, "train batches")
    unseen, answers = split_last(held_out(LENGTH, "test", 100, random_stream(0, "test")))
    rows = torch.arange(fixed) % len(unseen)  # one batch of the right size
    clock = time.process_time()
    max_seconds = 6.0 if sink.faults else MAX_SECONDS
    accuracy = 0.0
    step = 0
    while step < MAX_STEPS and time.process_time() - clock < max_seconds:
        step += 1
        digits, labels = split_last(palindromes(fixed, LENGTH, split="train", generator=stream))
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
        sink.right(f"It learns: {measured}.")
    elif sink.faults:
        sink.note(f"It does not learn yet ({measured}); what is wrong above may be why.")
    elif step < 500:
        sink.note(f"It is too slow here to say whether it learns: {measured}.")
    else:
        sink.fault(
            "does-not-learn",
            f"It does not learn: {measured}. Look at how the weights start: not all equal, "
            "neither tiny nor huge.",
        )


def _log(output: Tensor) -> Tensor:
    """Log-probabilities, of logits or of probabilities."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
