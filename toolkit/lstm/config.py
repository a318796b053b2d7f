"""What to train in Part I, and how; nothing here needs torch."""

from dataclasses import dataclass
from typing import Literal

from toolkit.common.errors import UsageError, check_positive, check_range

Encoding = Literal["one-hot", "digit"]


@dataclass(frozen=True)
class Config:
    """What to train and how; the defaults are the assignment's, but for the length."""

    model: Literal["lstm", "rnn"] = "lstm"
    length: int = 30  # T: the digits 1 to T-1 are read, digit T is predicted
    encoding: Encoding = "one-hot"  # or "digit", the bare digit as one number
    hidden_size: int = 128  # numbers in h, and in the LSTM's c
    batch_size: int = 128  # palindromes a step
    learning_rate: float = 1e-3  # of RMSProp
    curriculum: bool = False  # short palindromes first, then all lengths mixed, annealed
    max_grad_norm: float = 10.0  # longer gradients are scaled down to this norm
    forget_bias: float = 1.0  # where the LSTM's b_f starts
    chrono: bool = False  # or b_f and b_i start as for memories of all lengths up to T
    orthogonal: bool = False  # W_hh starts orthogonal, gate by gate, rather than normal
    num_steps: int = 2000  # at most
    eval_every: int = 50  # steps from one validation and checkpoint to the next
    target_accuracy: float = 0.999  # at two validations in a row it is enough, but for curricula
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in ("lstm", "rnn"):
            raise UsageError(f"There is no model {self.model!r}; choose lstm or rnn.")
        if self.encoding not in ("one-hot", "digit"):
            raise UsageError(f"There is no encoding {self.encoding!r}; choose one-hot or digit.")
        check_range(
            self,
            length=(2, 1_000_000),
            hidden_size=(1, 10_000),
            batch_size=(1, 100_000),
            num_steps=(1, 10**9),
            eval_every=(1, 10**9),
        )
        check_positive(self, "learning_rate", "max_grad_norm")


def curriculum_config(model: Literal["lstm", "rnn"]) -> Config:
    """The curriculum with what suits each model best, and about the same time for both."""
    if model == "rnn":
        return Config(model, length=100, curriculum=True, orthogonal=True, num_steps=1000)
    return Config(model, length=100, curriculum=True, num_steps=400)
