"""The settings of a training run in Part I. Importing this module does not import torch."""

from dataclasses import dataclass
from typing import Literal

from toolkit.common.settings import check_kinds, check_positive, check_range

Encoding = Literal["one-hot", "digit"]


@dataclass(frozen=True)
class Config:
    """The settings of one training run; most defaults, such as those of `hidden_size` and
    `learning_rate`, are the assignment's.
    """

    model: Literal["lstm", "rnn"] = "lstm"
    length: int = 36  # T: the network reads digits 1 to T-1 and predicts digit T
    encoding: Encoding = "one-hot"  # or "digit": the bare digit as one number
    hidden_size: int = 128  # size of h, and of the LSTM's c
    batch_size: int = 128  # palindromes per step
    learning_rate: float = 1e-3  # of RMSProp
    fast: bool = True  # LSTM only: derivatives by hand, not by autograd; see `toolkit.lstm.fast`
    curriculum: bool = False  # start short, then mix all lengths up to T; the rate is annealed
    max_grad_norm: float = 10.0  # gradients with a larger norm are scaled down to this norm
    forget_bias: float = 1.0  # initial value of the LSTM's b_f
    chrono: bool = False  # initialise b_f and b_i for memories of all lengths up to T instead
    orthogonal: bool = False  # initialise each gate's W_hh orthogonal instead of normal
    num_steps: int = 1000  # at most
    eval_every: int = 50  # steps between validations; each is followed by a checkpoint
    target_accuracy: float = 0.999  # two validations in a row end training; not in curricula
    seed: int = 0

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range(
            self,
            length=(2, 1_000_000),
            hidden_size=(1, 10_000),
            batch_size=(1, 100_000),
            num_steps=(1, 10**9),
            eval_every=(1, 10**9),
            target_accuracy=(0, 1),
        )
        check_positive(self, "learning_rate", "max_grad_norm")

    @property
    def num_threads(self) -> int:
        """Return the number of threads to use for training; this number slightly affects the
        trained weights.

        With a small network, several threads spend more time waiting for each other than computing,
        especially on a machine that is busy with other work.
        """
        return 1 if self.hidden_size <= 256 else 2

    @property
    def cost(self) -> tuple[float, float]:
        """Return rough estimates of the number of multiplications, and of the memory in bytes, that
        a run needs.
        """
        gates, kept = (4, 8) if self.model == "lstm" else (1, 2)  # numbers kept for each unit
        weights = gates * self.hidden_size * (self.hidden_size + 10)
        units = self.batch_size * self.length * self.hidden_size
        # One matrix product forward, and two products of the same size backward. Memory holds each
        # weight, its gradient, the gradient's mean square, and two copies of the weight for the
        # checkpoint.
        return (
            3.0 * self.num_steps * self.batch_size * self.length * weights,
            4.0 * (5 * weights + kept * units),
        )


def curriculum_config(model: Literal["lstm", "rnn"]) -> Config:
    """Return the toolkit's default settings for training with a curriculum, which begins with short
    palindromes.

    With these settings, training takes about the same time for the LSTM (400 steps) as for the RNN
    (1000 steps).
    """
    if model == "rnn":
        return Config(model, length=100, curriculum=True, orthogonal=True, num_steps=1000)
    return Config(model, length=100, curriculum=True, num_steps=400)
