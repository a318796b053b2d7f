"""Training of the LSTM and the RNN: RMSProp, the loss of equation (9), and the curriculum."""

import time
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor, nn
from torch.optim import RMSprop

from toolkit.common.device import device_of, flushed_denormals, make_rng, seeded
from toolkit.common.progress import Progress
from toolkit.common.runs import Run
from toolkit.common.settings import annealed
from toolkit.lstm.config import Config
from toolkit.lstm.data import held_out, palindromes, split_last
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM, RNN, init_chrono

FIRST_LENGTH = 5  # T at the start of a curriculum
FAR = (5, 36, 100, 1000, 10_000)  # T at which networks trained with the curriculum are tested
NEAR = (5, 9, 20, 36, 50, 100, 1000)  # T at which networks trained at one length are tested


def build(config: Config) -> LSTM | RNN:
    """Return an untrained model on the CPU, with weights initialised from the config's seed."""
    one_hot = config.encoding == "one-hot"
    with seeded(config.seed, "weights"):
        model: LSTM | RNN
        if config.model == "lstm":
            kind = FastLSTM if config.fast else LSTM
            model = kind(config.hidden_size, one_hot, config.forget_bias)
            if config.chrono:
                init_chrono(model.cell, config.length)
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
    """Update the weights once.

    Args:
        digits: int64 (batch, T - 1).
        labels: int64 (batch,), the last digit of each palindrome.
        max_grad_norm: the maximum norm of the gradient, taken over all weights together; a longer
            gradient is scaled down to this norm.

    Returns:
        the loss and the accuracy on the batch (0 to 1), as two float32 scalars computed before the
        update. The loss is the cross-entropy of equation (9) at the last time step only.
    """
    logits = model(digits)
    loss = F.cross_entropy(logits, labels)  # (8) and (9): takes logits, not probabilities
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
    optimizer.step()
    return loss.detach(), (logits.argmax(dim=1) == labels).float().mean()


def next_longest(longest: int, batch_accuracy: float, target: int) -> int:
    """Return the maximum palindrome length for the next batch, which never exceeds `target`.

    If more than 97% of the answers for the last batch are correct, the new maximum length is 5/4 of
    the old one, rounded down, plus 1, but at most `target`. Otherwise, the maximum length stays the
    same.
    """
    return min(longest * 5 // 4 + 1, target) if batch_accuracy > 0.97 else longest


def sample_length(longest: int, rng: torch.Generator) -> int:
    """Sample T uniformly from 5 to `longest`, or return `longest` if it is less than 5.

    Because the training palindromes differ in length, the network learns to remember the first
    digit for any number of steps, not just for one particular number.
    """
    shortest = min(FIRST_LENGTH, longest)
    return int(torch.randint(shortest, longest + 1, (), generator=rng))


@torch.no_grad()
def accuracy(model: nn.Module, sequences: Tensor, batch_size: int = 1000) -> float:
    """Return the fraction, 0 to 1, of palindromes whose last digit the model predicts correctly.

    The palindromes in `sequences` are int64 of shape (n, T).
    """
    device = device_of(model)
    correct = 0
    for batch in sequences.split(batch_size):
        digits, labels = split_last(batch.to(device))
        correct += int((model(digits).argmax(dim=1) == labels).sum())
    return correct / len(sequences)


class Tested(NamedTuple):
    """An accuracy, 0 to 1, and the number of palindromes on which the accuracy was measured."""

    value: float
    num_examples: int


def accuracy_by_length(
    model: nn.Module, lengths: tuple[int, ...], seed: int, num_test: int
) -> dict[int, Tested]:
    """Return the accuracy on unseen palindromes of each length T.

    Args:
        lengths: the values of T.
        seed: the seed for the test palindromes.
        num_test: palindromes per T. Beyond T = 1000, the number falls in proportion to 1 / T, but
            not below 100, to limit the total number of digits. For short T, fewer palindromes are
            tested because few exist: at T = 5, the test split contains only 100 of the 1,000
            palindromes.
    """
    result = {}
    for length in lengths:
        count = min(num_test, max(100, num_test * 1000 // length))
        test = held_out(length, "test", count, make_rng(seed, "test"))
        result[length] = Tested(accuracy(model, test), len(test))
    return result


@dataclass
class TrainState:
    """The state that a checkpoint stores, so that an interrupted training run can continue."""

    model: LSTM | RNN
    optimizer: RMSprop
    rng: torch.Generator  # of the training batches
    longest: int  # longest palindrome so far; T throughout, except in a curriculum
    streak: int = 0  # validations in a row that reached the target accuracy
    finished: bool = False


def initial_state(config: Config, device: torch.device | str) -> TrainState:
    """Return the training state before the first step."""
    model = build(config).to(device)
    longest = config.length
    if config.curriculum:
        longest = min(FIRST_LENGTH, config.length)
    return TrainState(
        model,
        RMSprop(model.parameters(), lr=config.learning_rate),
        make_rng(config.seed, "train batches"),
        longest,
    )


def _train_on_batch(
    config: Config, state: TrainState, step: int, device: torch.device | str
) -> Tensor:
    """Draw a batch, update the model, and return the loss before the update, a float32 scalar."""
    length = state.longest
    if config.curriculum:
        length = sample_length(state.longest, state.rng)
        rate = annealed(config.learning_rate, step, config.num_steps)
        state.optimizer.param_groups[0]["lr"] = rate
    sequences = palindromes(config.batch_size, length, split="train", rng=state.rng)
    digits, labels = split_last(sequences.to(device))
    loss, batch_accuracy = train_step(
        state.model, state.optimizer, digits, labels, config.max_grad_norm
    )
    if config.curriculum:
        state.longest = next_longest(state.longest, batch_accuracy.item(), config.length)
    return loss


def _has_reached_target(config: Config, state: TrainState, validation_accuracy: float) -> bool:
    """Count consecutive validations that reach the target accuracy; return True at the second one,
    but always False if a curriculum is used.
    """
    if validation_accuracy >= config.target_accuracy:
        state.streak += 1
    else:
        state.streak = 0
    return state.streak == 2 and not config.curriculum


def _resume(run: Run, state: TrainState) -> None:
    """Restore the training state from the checkpoint of an interrupted run."""
    saved = run.load()
    if saved:
        run.restore(state, saved)


def train(
    config: Config, run: Run, device: torch.device | str = "cpu", quiet: bool = False
) -> LSTM | RNN:
    """Train the LSTM or the RNN; if the training run `run` was interrupted, continue it.

    Every `eval_every` steps and after the last step, the loss and the validation accuracy are
    logged, and the state is saved in the checkpoint.

    Args:
        run: the `Run` that stores the files of this training run; it must have been opened with a
            config equal to `config`.
        quiet: True to suppress the progress output.

    Returns:
        the trained network, on `device`.

    Raises:
        UsageError: `run` was opened with a config that differs from `config`, or its directory
            contains a checkpoint of a run with another config.
        ToolkitError: the run's directory is damaged or cannot be written to, or training diverged.
    """
    run.check_config(config)
    state = initial_state(config, device)
    validation = held_out(config.length, "validation", 1000, make_rng(config.seed, "validation"))
    _resume(run, state)
    if state.finished:
        if not quiet:
            run.say_finished(config.model)
        return state.model

    console = Console(quiet=True) if quiet else None
    with (
        flushed_denormals(),
        Progress(config.model, config.num_steps, run.step, console) as progress,
    ):
        clock = time.perf_counter() - run.seconds
        for step in range(run.step + 1, config.num_steps + 1):
            loss = _train_on_batch(config, state, step, device)
            metrics = {"loss": loss.item()}
            last = step == config.num_steps
            if step % config.eval_every == 0 or last:
                metrics["accuracy"] = accuracy(state.model, validation)
                state.finished = _has_reached_target(config, state, metrics["accuracy"]) or last
                seconds = time.perf_counter() - clock
                run.log(step, **metrics, longest=state.longest, seconds=round(seconds, 2))
                run.save(step, seconds, **vars(state))
            progress.update(step, **metrics)
            if state.finished:
                break
    return state.model
