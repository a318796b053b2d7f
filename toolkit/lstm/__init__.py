"""Part I: an LSTM and a vanilla RNN that complete palindromes of digits."""

from typing import TYPE_CHECKING

from toolkit.common import lazily

if TYPE_CHECKING:
    from toolkit.lstm.config import Config, curriculum_config
    from toolkit.lstm.data import all_palindromes, held_out, palindromes, split_last
    from toolkit.lstm.model import LSTM, RNN, LSTMCell
    from toolkit.lstm.training import accuracy, train, train_step
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "config": "Config curriculum_config",
            "data": "all_palindromes held_out palindromes split_last",
            "model": "LSTM RNN LSTMCell",
            "training": "accuracy train train_step",
        },
    )

__all__ = [
    "LSTM",
    "RNN",
    "Config",
    "LSTMCell",
    "accuracy",
    "all_palindromes",
    "curriculum_config",
    "held_out",
    "palindromes",
    "split_last",
    "train",
    "train_step",
]
