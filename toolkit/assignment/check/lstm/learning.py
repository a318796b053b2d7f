"""Whether a student's LSTM learns short palindromes."""

import torch

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.verdicts import Place, Verdicts
from toolkit.common.device import make_rng
from toolkit.lstm.data import held_out, palindromes, split_last

LENGTH = 5  # T
RATE = 3e-3  # of RMSProp; at 1e-3 bare digits take twice as many steps
BATCH = 64
STEPS = 50  # of learning in one question
MAX_STEPS, MAX_STEPS_FAULTY = 1500, 300
# What torch says where a backward pass enters what an earlier one has left, or a step has changed.
OLD_GRAPH = ("backward through the graph a second time", "modified by an inplace operation")
LEARNT = 0.9  # accuracy on unseen palindromes; chance is 0.1


def check_learning(network: Network, line: int | None, verdicts: Verdicts) -> None:
    """It learns T = 5, whatever its hidden size."""
    way = network.way
    if not network.any_length and way.steps != LENGTH - 1 and "steps" not in network.took:
        verdicts.not_seen("learning")
        return
    enough = MAX_STEPS_FAULTY if verdicts.faults else MAX_STEPS
    try:
        # where states are kept, it is the second step that fails
        accuracy, steps = _learn(network, max(enough, 2) if network.kept else enough)
    except StudentError as error:
        if network.kept and any(words in error.text for words in OLD_GRAPH):
            verdicts.fault(
                "broken-gradient.second-step",
                line=line,
                at=network.written.get(network.kept[0]),
                proof={"happened": error.text},
                name=network.kept[0],
            )
        elif not verdicts.faults:
            verdicts.error(error)
        return
    verdicts.reached = accuracy
    measured = (
        f"{accuracy:.0%} of unseen palindromes of {LENGTH} digits are right after {steps} steps of "
        f"RMSProp at {RATE:g}"
    )
    if accuracy >= LEARNT:
        verdicts.right("learns", measured=measured)
    elif verdicts.faults:
        verdicts.also("learns-so-far", measured=measured)
    else:
        proof, at = {"accuracy": accuracy, "steps": steps}, _of_zeros(network)
        verdicts.fault("does-not-learn.tried", line=line, at=at, proof=proof, measured=measured)


def _of_zeros(network: Network) -> Place | None:
    """Where the first matrix of weights that starts at zero is made."""
    zeros = [
        t["name"]
        for t in network.tensors
        if t["kind"] == "parameter" and t["grad"] and t["zero"] and min(t["shape"] or [0]) > 1
    ]
    return network.made(zeros[0]) if zeros else None


def _learn(network: Network, max_steps: int) -> tuple[float, int]:
    """Train with a reference loop: RMSProp, gradients clipped at 10.

    Returns:
        the accuracy on unseen palindromes, and the number of steps.
    """
    way = network.way
    batch = BATCH if network.any_batch else way.batch
    hidden = 128 if way.hidden and way.batch != way.hidden else way.hidden
    length = LENGTH - 1 + way.extra
    network.build(hidden=hidden, batch=batch, steps=length)
    rng = make_rng(0, "train batches")
    unseen, answers = split_last(held_out(LENGTH, "test", 100, make_rng(0, "test")))
    rows = torch.arange(batch) % len(unseen)  # one batch of the right size
    call = network.call(batch)
    if way.states is not None and hidden:
        call["state"] = torch.zeros((1, batch, hidden) if way.deep else (batch, hidden))
    output = network.locate(unseen[rows], call)
    accuracy, step = 0.0, 0
    while step < max_steps and accuracy <= 0.97:
        count = min(STEPS, 25 if step == 0 else STEPS)
        digits, labels = split_last(palindromes(count * batch, LENGTH, split="train", rng=rng))
        inputs = torch.stack([network.encode(x) for x in digits.split(batch)]).to(torch.uint8)
        network.student.ask(
            "learn",
            inputs=inputs,
            labels=labels.reshape(count, batch).to(torch.uint8),
            pick=output.index,
            steps={None: None, 0: "first", 1: "second"}[output.axis],
            rate=RATE,
            integers=not way.input_dim,
            **call,
        )
        step += count
        said = network.locate(unseen[rows], call).logits.argmax(1)
        accuracy = float((said == answers[rows]).float().mean())
    return accuracy, step
