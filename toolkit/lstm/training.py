"""Training of the LSTM and the RNN on palindromes."""

import time

import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor, nn
from torch.optim import RMSprop

from toolkit.common.device import device_of, make_rng, seeded
from toolkit.common.progress import Progress, say_finished
from toolkit.common.record import Metric
from toolkit.common.runs import Run
from toolkit.common.schedule import annealed
from toolkit.lstm.config import Config
from toolkit.lstm.data import held_out, palindromes, split_last
from toolkit.lstm.model import LSTM, RNN, start_chrono

FIRST_LENGTH = 5  # where the curriculum starts
FAR = (5, 36, 100, 1000, 10_000)  # T at which networks are tested that learnt with the curriculum


def build(config: Config) -> LSTM | RNN:
    """The untrained model, its weights drawn from the config's seed."""
    one_hot = config.encoding == "one-hot"
    with seeded(config.seed, "weights"):
        model: LSTM | RNN
        if config.model == "lstm":
            model = LSTM(config.hidden_size, one_hot, config.forget_bias)
            if config.chrono:
                start_chrono(model.cell, config.length)
        else:
            model = RNN(config.hidden_size, one_hot)
        if config.orthogonal:
            for gate in model.cell.weight_hh.split(config.hidden_size):
                nn.init.orthogonal_(gate)
    return model


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    digits: Tensor,
    labels: Tensor,
    max_grad_norm: float,
) -> tuple[Tensor, Tensor]:
    """One update of the weights.

    Args:
        digits: int64 (batch, T - 1).
        labels: int64 (batch,), the digits T.
        max_grad_norm: the gradient of all weights together is clipped to this norm.

    Returns:
        two scalars from before the update: the loss, which is the cross-entropy (9) over the last
        time step only, and the share of the batch that is predicted right.
    """
    logits = model(digits)
    loss = F.cross_entropy(logits, labels)  # (8) and (9): it takes logits, not softmax
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
    optimizer.step()
    return loss.detach(), (logits.argmax(dim=1) == labels).float().mean()


def next_longest(longest: int, batch_accuracy: float, target: int) -> int:
    """The curriculum: once 97% of a batch are right, palindromes get a quarter longer, plus one."""
    return min(longest * 5 // 4 + 1, target) if batch_accuracy > 0.97 else longest


def sample_length(longest: int, rng: torch.Generator) -> int:
    """One of the lengths from 5, or less, to `longest`, each as likely as the others.

    Mixed lengths teach the network to hold the first digit for any time, not for one.
    """
    shortest = min(FIRST_LENGTH, longest)
    return int(torch.randint(shortest, longest + 1, (), generator=rng))


@torch.no_grad()
def accuracy(model: nn.Module, sequences: Tensor, batch_size: int = 1000) -> float:
    """Share, 0 to 1, of palindromes (n, T) whose last digit the model predicts."""
    device = device_of(model)
    correct = 0
    for batch in sequences.split(batch_size):
        digits, labels = split_last(batch.to(device))
        correct += int((model(digits).argmax(dim=1) == labels).sum())
    return correct / len(sequences)


def accuracy_by_length(
    model: nn.Module, lengths: tuple[int, ...], seed: int, num_test: int
) -> dict[int, Metric[float]]:
    """Accuracy on unseen palindromes of each T, and how many there were.

    Args:
        lengths: the T to test at.
        seed: of the test palindromes.
        num_test: how many of them; beyond T = 1000 fewer, as many digits in all, but at least 100.
            Of a short T there may be fewer: T = 5 has 100 distinct test palindromes.
    """
    result = {}
    for length in lengths:
        count = min(num_test, max(100, num_test * 1000 // length))
        test = held_out(length, "test", count, make_rng(seed, "test"))
        result[length] = Metric(value=accuracy(model, test), num_examples=len(test))
    return result


def train(config: Config, run: Run, device: torch.device, quiet: bool = False) -> LSTM | RNN:
    """Train a model, or go on where `run` was interrupted; the last state is in the checkpoint.

    Validation accuracy and loss go to the run's metrics every `eval_every` steps, and progress to
    the screen unless `quiet`.
    """
    model = build(config).to(device)
    optimizer = RMSprop(model.parameters(), lr=config.learning_rate)
    batches = make_rng(config.seed, "train batches")
    validation = held_out(config.length, "validation", 1000, make_rng(config.seed, "validation"))
    streak = 0
    longest = min(FIRST_LENGTH, config.length) if config.curriculum else config.length
    if state := run.load():
        with run.restoring():
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            batches.set_state(state["batches"])
            streak, longest = state["streak"], state["longest"]
        if state["finished"]:
            if not quiet:
                say_finished(config.model, run.step)
            return model

    console = Console(quiet=True) if quiet else None
    with Progress(config.model, config.num_steps, run.step, console) as progress:
        clock = time.perf_counter() - run.seconds
        for step in range(run.step + 1, config.num_steps + 1):
            length = longest
            if config.curriculum:
                length = sample_length(longest, batches)
                optimizer.param_groups[0]["lr"] = annealed(
                    config.learning_rate, step, config.num_steps
                )
            sequences = palindromes(config.batch_size, length, split="train", rng=batches)
            digits, labels = split_last(sequences.to(device))
            loss, right = train_step(model, optimizer, digits, labels, config.max_grad_norm)
            if config.curriculum:
                longest = next_longest(longest, right.item(), config.length)
            progress.update(step, loss=loss.item())

            if step % config.eval_every == 0 or step == config.num_steps:
                share = accuracy(model, validation)
                streak = streak + 1 if share >= config.target_accuracy else 0
                learnt = streak == 2 and not config.curriculum
                finished = learnt or step == config.num_steps
                seconds = time.perf_counter() - clock
                progress.update(step, accuracy=share)
                run.log(
                    step,
                    loss=loss.item(),
                    accuracy=share,
                    longest=longest,
                    seconds=round(seconds, 2),
                )
                run.save(
                    step,
                    seconds,
                    model=model.state_dict(),
                    optimizer=optimizer.state_dict(),
                    batches=batches.get_state(),
                    streak=streak,
                    longest=longest,
                    finished=finished,
                )
                if finished:
                    break
    return model
