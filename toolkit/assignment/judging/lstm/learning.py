"""Judges whether an LSTM learns short palindromes."""

import torch

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.network import Network
from toolkit.assignment.running.places import Place
from toolkit.common.device import make_rng
from toolkit.lstm.data import held_out, palindromes, split_last

LENGTH = 5  # T
RATE = 3e-3  # of RMSProp; at 1e-3 bare digits take twice as many steps
BATCH = 64
STEPS = 25  # of learning in one question
MAX_STEPS, MAX_STEPS_FAULTY = 1500, 300
LEARNT = 0.9  # accuracy on unseen palindromes; chance is 0.1


def check_learning(network: Network, line: int | None, verdicts: Verdicts) -> None:
    """Train the network on palindromes with T = 5, and judge its accuracy on unseen palindromes."""
    usage = network.usage
    if not network.any_length and usage.steps != LENGTH - 1 and "steps" not in network.took:
        verdicts.not_seen("learning")
        return
    max_steps = MAX_STEPS_FAULTY if verdicts.faults else MAX_STEPS
    try:
        accuracy, steps = _learn(network, max_steps)
    except StudentError as error:
        if not verdicts.faults:  # else one of these faults is the cause
            verdicts.error(error)
        return
    verdicts.reached = accuracy
    measured = (
        f"{accuracy:.0%} of unseen palindromes of {LENGTH} digits are right after {steps} steps of "
        f"RMSProp at {RATE:g}"
    )
    if accuracy >= LEARNT:
        proof = claims.lstm.is_right_after_training(accuracy, steps)
        verdicts.right("learns", proof=proof, measured=measured)
    elif verdicts.faults:
        verdicts.also("learns-so-far", measured=measured)
    else:
        at = _zero_matrix(network)
        proof = claims.lstm.is_wrong_after_training(accuracy, steps)
        verdicts.fault("does-not-learn.tried", line=line, at=at, proof=proof, measured=measured)


def _zero_matrix(network: Network) -> Place | None:
    """Return the location in the code that creates the first weight matrix whose initial values are
    all zero.
    """
    for tensor in network.tensors:
        is_learnt = tensor["kind"] == "parameter" and tensor["grad"]
        if is_learnt and tensor["zero"] and min(tensor["shape"] or [0]) > 1:
            return network.made(tensor["name"])
    return None


def _learn(network: Network, max_steps: int) -> tuple[float, int]:
    """Train the network in the check's own training loop, with RMSProp and gradients clipped at 10.

    Returns:
        the accuracy on unseen palindromes and the number of training steps.
    """
    usage = network.usage
    batch = BATCH if network.any_batch else usage.batch
    hidden = usage.hidden
    if hidden and usage.batch != hidden:
        hidden = 128
    length = LENGTH - 1 + usage.extra
    network.build(hidden=hidden, batch=batch, steps=length)
    rng = make_rng(0, "train batches")
    unseen, answers = split_last(held_out(LENGTH, "test", 100, make_rng(0, "test")))
    rows = torch.arange(batch) % len(unseen)  # one batch of the right size
    output = network.outputs([unseen[rows]])[0]
    accuracy, step = 0.0, 0
    while step < max_steps and accuracy <= 0.97:
        digits, labels = split_last(palindromes(STEPS * batch, LENGTH, split="train", rng=rng))
        inputs = torch.stack([network.encode(x) for x in digits.split(batch)]).to(torch.uint8)
        network.child.ask.learn(
            inputs=inputs,
            labels=labels.reshape(STEPS, batch).to(torch.uint8),
            pick=output.index,
            axis=output.axis,
            rate=RATE,
            integers=not usage.input_dim,
        )
        step += STEPS
        predicted = network.run([unseen[rows]])[0].argmax(1)
        accuracy = float((predicted == answers[rows]).float().mean())
    return accuracy, step
