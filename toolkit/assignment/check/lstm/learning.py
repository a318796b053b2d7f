"""Whether a student's LSTM learns short palindromes."""

import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import RMSprop

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm.model import Model
from toolkit.assignment.check.student.lines import line_of
from toolkit.common.device import make_rng
from toolkit.lstm.data import held_out, palindromes, split_last

LENGTH = 5  # T
MAX_SECONDS = 20.0  # of CPU time for learning
MAX_SECONDS_FAULTY = 3.0  # the same for a network in which a fault was found already
MIN_STEPS, MAX_STEPS = 500, 3000  # of learning; after fewer it is too early to say
LEARNT = 0.9  # accuracy on unseen palindromes; chance is 0.1


def check_learning(model: Model, channel: Channel) -> None:
    """It learns T = 5 with a hidden size of 128."""
    batch = model.setup.batch if channel.has("fixed-batch-size") else 128
    hidden = model.setup.batch if model.setup.batch == model.setup.hidden else 128
    if hidden != 128 or channel.has("fixed-sequence-length"):
        channel.not_seen("Whether it learns was not tried, because its sizes are fixed.")
        return
    clock = time.process_time()
    max_seconds = MAX_SECONDS_FAULTY if channel.faults else MAX_SECONDS
    accuracy, steps = _learn(model, hidden, batch, max_seconds)
    seconds = time.process_time() - clock
    measured = (
        f"{accuracy:.0%} of unseen palindromes of {LENGTH} digits are right after {steps} steps of "
        f"RMSProp in {seconds:.0f} s"
    )
    if accuracy >= LEARNT:
        channel.right(f"It learns: {measured}.")
    elif channel.faults:
        channel.not_seen(f"It does not learn yet, perhaps because of what is wrong: {measured}.")
    elif steps < MIN_STEPS:
        channel.not_seen(f"It is too slow here to say whether it learns: {measured}.")
    else:
        channel.fault(
            "does-not-learn",
            f"It does not learn: {measured}. Look at the weights at the start: they should not be "
            "all equal, nor tiny, nor huge.",
            line=line_of(model.kind, "__init__"),
        )


def _learn(model: Model, hidden: int, batch: int, max_seconds: float) -> tuple[float, int]:
    """Train with a reference loop: RMSProp at 1e-3, gradients clipped at 10.

    Args:
        max_seconds: of CPU time.

    Returns:
        the accuracy on unseen palindromes, and the number of steps.
    """
    torch.manual_seed(0)
    network = model.build(hidden=hidden, batch=batch, steps=LENGTH - 1)
    optimizer = RMSprop([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    rng = make_rng(0, "train batches")
    unseen, answers = split_last(held_out(LENGTH, "test", 100, make_rng(0, "test")))
    rows = torch.arange(batch) % len(unseen)  # one batch of the right size
    end = time.process_time() + max_seconds
    accuracy = 0.0
    step = 0
    while step < MAX_STEPS and time.process_time() < end:
        step += 1
        digits, labels = split_last(palindromes(batch, LENGTH, split="train", rng=rng))
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
    return accuracy, step


def _log(output: Tensor) -> Tensor:
    """Log-probabilities, of logits or of probabilities."""
    if bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        return output.clamp_min(1e-9).log()
    return output.log_softmax(1)
