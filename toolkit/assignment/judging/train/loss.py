"""Checks that the loss is the cross-entropy of the last step's logits p(T), as in equation (9) of
the assignment.
"""

import math

from torch import Tensor
from torch.nn import functional

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.cell.reference import is_over_batch, kind_of
from toolkit.assignment.judging.train.entropy import (
    candidates,
    close,
    outputs_of,
    steps_of,
    which_step,
)
from toolkit.assignment.judging.train.labels import check_labels
from toolkit.assignment.judging.train.trace import (
    OF_CLASSES,
    Backward,
    Batch,
    Call,
    Loss,
    Note,
    Trace,
)

MANY = 16  # losses of one backward pass; a larger number is not counted
FLOOR = math.log(math.e + 9) - 1  # 1.46115: the cross-entropy if the softmax is applied twice


def check_loss(trace: Trace, verdicts: Verdicts) -> None:
    """Judge the loss of the last backward pass that reached a parameter."""
    passes = [event for event in trace.all(Backward) if event.changed]
    losses = [event for event in trace.all(Loss) if event.input]
    of_networks = [event for event in losses if event.input and event.input.networks]
    if passes:
        _check_pass(passes, losses, trace, verdicts)
    elif of_networks:
        _judge(of_networks[-1], -1, trace, verdicts)


def _check_pass(
    passes: list[Backward], losses: list[Loss], trace: Trace, verdicts: Verdicts
) -> None:
    """Judge the losses that contribute to the last completely recorded backward pass."""
    last = next((event for event in reversed(passes) if event.whole), passes[-1])
    before = _pass_before(last, trace)
    own_losses = [event for event in losses if event.index in last.losses]
    start = last.value.mean if last.value else 0.0
    if not own_losses:
        _check_by_hand(passes, last, trace, verdicts)
        return
    loss, combination = _start_of(own_losses, start)
    value = _value(loss)
    if combination is not None:
        count = len(own_losses)
        verdicts.fault(
            "loss-not-last-step.several",
            at=loss,
            proof=claims.train.losses_share_a_pass(
                losses=[event.index for event in own_losses], passes=1
            ),
            how=combination,
            n=count if count < MANY else "many",
        )
    elif value is not None and value > 0.01 and close(-start, value):
        proof = claims.train.loss_is_negated(start, loss=value)
        verdicts.fault("does-not-learn.negative", at=last, proof=proof)
    else:
        _judge(loss, before, trace, verdicts)


def _pass_before(last: Backward, trace: Trace) -> int:
    """Return the index of the backward pass before `last`, or -1 if there is no such pass."""
    earlier = [event.index for event in trace.all(Backward) if event.index < last.index]
    return max(earlier, default=-1)


def fits_together(trace: Trace) -> bool:
    """True if the values on which the script called `backward` could have been computed from the
    recorded losses.

    A backward pass to which a single loss contributes should start from this loss, from a constant
    multiple of it, or from the loss plus a penalty.
    """
    losses = {loss.index: _value(loss) for loss in trace.all(Loss) if loss.input}
    shares = []
    for event in trace.all(Backward):
        if not event.changed or len(event.losses) != 1 or event.value is None:
            continue
        value = losses.get(event.losses[0])
        if value is not None and value > 0.01:
            shares.append(event.value.mean / value)
    if not shares:
        return True
    least, largest = min(shares), max(shares)
    is_constant = largest - least < 0.01 * abs(largest)
    return is_constant or least > 0.999


def _check_by_hand(
    passes: list[Backward], last: Backward, trace: Trace, verdicts: Verdicts
) -> None:
    """Judge a loss that is not computed by a torch loss function, by comparing its value with the
    cross-entropy.
    """
    start = last.value.mean if last.value else 0.0
    value = abs(start)
    match = which_step(_pass_before(last, trace), last.index, value, trace)
    if match is None:
        _check_batch_softmax(passes, last, trace, verdicts)
        return
    if match.steps:
        proof = claims.train.is_loss_of_steps(value, of_steps=match.entropy)
        verdicts.fault("loss-not-last-step.value", at=match.call, proof=proof)
        return
    verdicts.facts.add("saw-loss")
    if start < -0.01:
        proof = claims.train.loss_is_negated(start, loss=value)
        verdicts.fault("does-not-learn.negative", at=last, proof=proof)
    else:
        proof = claims.train.is_cross_entropy(value, match.entropy)
        verdicts.right("value", proof=proof)


def _check_batch_softmax(
    passes: list[Backward], last: Backward, trace: Trace, verdicts: Verdicts
) -> None:
    """Judge a loss computed by hand that is not the cross-entropy: find out whether its softmax is
    taken over the batch.

    Each of the last two losses is compared with the cross-entropy of a softmax over the batch,
    because a single loss may equal it by chance.
    """
    values: list[float] = []
    entropies: list[float] = []
    for event in passes[-2:]:
        value = abs(event.value.mean) if event.value else 0.0
        before = _pass_before(event, trace)
        match = which_step(before, event.index, value, trace, over_batch=True)
        if match is not None and not match.steps:
            values.append(value)
            entropies.append(match.entropy)
    if len(set(values)) < 2:  # two equal losses say no more than one
        verdicts.not_seen("by-hand-loss", at=last)
        return
    softmax = [note for note in trace.notes("softmax") if note.index < last.index]
    proof = claims.train.softmax_is_over_batch(values, entropies)
    verdicts.fault("wrong-loss.batch", at=softmax[-1] if softmax else last, proof=proof)


def _start_of(losses: list[Loss], start: float) -> tuple[Loss, str | None]:
    """Find out which loss, or which combination of losses, a backward pass started from.

    Args:
        losses: the losses that contribute to the backward pass; at least one.
        start: the mean value of the tensor from which the backward pass started.

    Returns:
        The loss and a description of the combination, such as "the sum of". If several losses were
        combined, the returned loss is the last one. The description is None if the backward pass
        started from a single loss, or if two losses were combined in a way that was not recognised.
    """
    values = [_value(loss) for loss in losses]
    for loss, value in zip(reversed(losses), reversed(values), strict=True):
        if value is not None and close(abs(start), value):
            return loss, None
    last = losses[-1]
    known = [value for value in values if value is not None]
    total = sum(known)
    if len(losses) > 1 and len(known) == len(losses):
        if close(start, total):
            return last, "the sum of"
        if close(start, total / len(losses)):
            return last, "the mean of"
    return last, "made from" if len(losses) > 2 else None


def _value(loss: Loss) -> float | None:
    """Recompute the value of a call to a torch loss function, or return None if that is
    impossible.
    """
    function = getattr(functional, loss.name, None)
    numbers = loss.input.numbers if loss.input else None
    target = loss.target.numbers if loss.target else None
    if numbers is None or target is None or function is None:
        return None
    try:
        return float(function(numbers.float(), target, reduction=loss.reduction))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None


def _judge(loss: Loss, before: int, trace: Trace, verdicts: Verdicts) -> None:
    """Judge one call to a torch loss function.

    Args:
        before: index of the backward pass that precedes the loss's own backward pass, or -1 if
            there is none.
    """
    if loss.name in OF_CLASSES:
        numbers = loss.input.numbers if loss.input else None
        if numbers is None or numbers.dim() < 2:
            verdicts.not_seen("large-loss", at=loss)
        else:
            _judge_numbers(loss, numbers.float(), before, trace, verdicts)
        return
    value = _value(loss)
    match = None if value is None else which_step(-1, loss.index, value, trace)
    if value is not None and match and not match.steps:
        proof = claims.train.is_cross_entropy(value, match.entropy)
        verdicts.right("same-value", proof=proof)
    else:
        proof = claims.shared.none_is_among(items=[loss.name], among=OF_CLASSES)
        at = loss.made or loss
        verdicts.fault("wrong-loss.other", at=at, proof=proof, function_name=loss.name)


def _judge_numbers(
    loss: Loss, numbers: Tensor, before: int, trace: Trace, verdicts: Verdicts
) -> None:
    """Judge whether a loss function is given the right kind of input: the last step's logits for
    cross_entropy, or the last step's log-probabilities for nll_loss.
    """
    rows = numbers.movedim(1, -1).reshape(-1, numbers.size(1))
    kind, axis = kind_of(rows)
    is_cross_entropy = loss.name == "cross_entropy"
    softmax = _softmax(loss, trace) or loss
    if axis == 0:
        id = "softmax-before-loss" if is_cross_entropy else "wrong-loss"
        verdicts.fault(f"{id}.batch", at=softmax, proof=is_over_batch(rows))
    elif is_cross_entropy and kind == "probabilities":
        proof = claims.train.are_probabilities(float(rows.min()), rows.sum(1).tolist())
        verdicts.fault("softmax-before-loss.probabilities", at=softmax, proof=proof, floor=FLOOR)
    elif loss.name == "nll_loss" and kind != "logarithms":
        described = "numbers whose exponentials do not add up to 1"
        if kind == "probabilities":
            described = kind
        proof = claims.train.are_no_log_probabilities(
            largest=float(rows.max()), sums=rows.exp().sum(1).tolist()
        )
        verdicts.fault(
            "wrong-loss.no-logarithms", at=loss.made or loss, proof=proof, what=described
        )
    else:
        _judge_step(loss, numbers, before, trace, verdicts)


def _judge_step(loss: Loss, numbers: Tensor, before: int, trace: Trace, verdicts: Verdicts) -> None:
    """Judge whether a loss that is computed from logits or log-probabilities uses the last time
    step and the right labels.
    """
    rows = numbers.movedim(1, -1).reshape(-1, numbers.size(1))
    calls = trace.between(before, loss.index, Call)
    num_read = _num_read(before, loss, trace)
    mismatch = _other_step(loss, numbers, trace)
    if mismatch is None and 0 < num_read < len(rows) and _num_sources(rows, calls) > 1:
        mismatch = "several time steps", None
    if mismatch is not None:
        name, last_step = mismatch
        shown = list(numbers.shape) if last_step is None else numbers[:1].flatten().tolist()
        verdicts.fault(
            "loss-not-last-step.numbers",
            at=loss,
            proof=claims.shared.differ(actual=shown, expected=last_step),
            what=name,
        )
        return
    if not check_labels(before, loss, trace, verdicts):
        return
    one_step: list[int] = []  # without a call, nothing shows which step the logits belong to
    if calls:
        one_step = sorted({num_read} | _sizes_of_outputs(calls))
    kind, _ = kind_of(rows)
    if kind == "logarithms":
        _judge_logarithms(loss, rows, one_step, trace, verdicts)
    else:
        proof = claims.train.are_logits(
            least=float(rows.min()),
            row_sums=rows.sum(1).tolist(),
            softmax=loss.softmax,
            rows=len(rows),
            one_step=one_step,
        )
        verdicts.right("loss", proof=proof)


def _num_read(before: int, loss: Loss, trace: Trace) -> int:
    """Return the number of sequences that DataLoaders supplied since the backward pass `before`."""
    batches = trace.between(before, loss.index, Batch)
    sizes = [value.shape[0] for batch in batches for value in batch.values[-1:] if value.shape]
    return sum(sizes)


def _num_sources(rows: Tensor, calls: list[Call]) -> int:
    """Return the number of network calls whose outputs contain rows of a loss's input, (n, 10)."""
    known = set(map(tuple, rows.tolist()))
    count = 0
    for call in calls:
        outputs = [output for output in outputs_of(call) if output.dim() == 2]
        count += any(not known.isdisjoint(map(tuple, output.tolist())) for output in outputs)
    return count


def _sizes_of_outputs(calls: list[Call]) -> set[int]:
    """Return the possible numbers of sequences in the last network call, from the shapes of its
    outputs.
    """
    sizes: set[int] = set()
    for call in calls[-1:]:
        for output in call.outputs:
            sizes.update(output.shape[:-1][:2])
    return sizes


def _judge_logarithms(
    loss: Loss, rows: Tensor, one_step: list[int], trace: Trace, verdicts: Verdicts
) -> None:
    """Judge whether the log-probabilities that a loss gets, (n, 10), were computed with only one
    softmax.

    Args:
        one_step: the numbers of rows that the output at one time step may have.
    """
    calls = [event for event in trace.between(-1, loss.index, Call) if event.grad]
    for _, _, step in candidates(calls[-1:]):
        if step.shape != rows.shape:
            continue
        is_softmax = kind_of(step)[0] == "probabilities"
        probabilities = step if is_softmax else step.softmax(1)
        proof = claims.train.softmax_is_taken_twice(
            once=float((probabilities.log() - rows).abs().max()),
            twice=float((probabilities.log_softmax(1) - rows).abs().max()),
        )
        if proof.claim.holds(**proof.seen):
            at = _softmax(loss, trace) or loss
            verdicts.fault("softmax-before-loss.twice", at=at, proof=proof, floor=FLOOR)
            return
    sums_of_rows = rows.double().exp().sum(1).tolist()
    proof = claims.train.are_log_probabilities(
        float(rows.max()), sums_of_rows, rows=len(rows), one_step=one_step
    )
    verdicts.right("logarithms", proof=proof)


def _softmax(loss: Loss, trace: Trace) -> Note | None:
    """Return the softmax call that produced the input of a loss, or else the last softmax call
    before the loss.
    """
    calls = [event for event in trace.notes("softmax") if event.index < loss.index]
    if loss.input is not None:
        for event in reversed(calls):
            if event.output == loss.input.id:
                return event
    return calls[-1] if calls else None


def _other_step(loss: Loss, numbers: Tensor, trace: Trace) -> tuple[str, list[float] | None] | None:
    """Find out whether a loss uses any time step other than the last one.

    Returns:
        None if the loss is computed from the output at the last step, or if it is not known which
        steps the loss uses. Otherwise, the result has two parts: a name for the time steps that the
        loss uses, such as "another step", and the network's output for the first sequence at the
        last step. If the name is "all time steps", the second part is None.
    """
    calls = [event for event in trace.between(-1, loss.index, Call) if event.grad]
    if not calls:
        return None
    for output in outputs_of(calls[-1]):
        has_steps = output.dim() == 3 and 1 not in output.shape[:2]
        if has_steps and numbers.numel() == output.numel():
            return "all time steps", None
        match = _matching_step(output, numbers)
        if match is not None:
            name, last_step = match
            if not name:
                return None
            return name, last_step[0].tolist()
    return None


def _matching_step(output: Tensor, numbers: Tensor) -> tuple[str, Tensor] | None:
    """Find the time step at which a model's output has these values.

    Returns:
        a name, and the output at the last time step. The name says whether `numbers` are the output
        at another time step or the mean over all steps. If `numbers` are the output at the last
        time step, the name is "". If `numbers` are none of these, the result is None.
    """
    steps = [(name, step) for name, step in steps_of(output) if step.shape == numbers.shape]
    for name, step in steps:
        if (step.float() - numbers).abs().max() < 1e-5:
            _, last_step = steps[0]
            return name, last_step
    return None
