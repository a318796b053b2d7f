"""What `nn.LSTM` is given to compute as our network does: its weights, there and back, and x(t)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.lstm.model import LSTMCell


def copy_from_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """torch's two biases are added up."""
    w_ih, w_hh, b_ih, b_hh = lstm.parameters()
    cell.load_state_dict({"weight_ih": w_ih, "weight_hh": w_hh, "bias": b_ih + b_hh})


def copy_to_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """torch's second bias becomes zero."""
    ours = (cell.weight_ih, cell.weight_hh, cell.bias, torch.zeros_like(cell.bias))
    lstm.load_state_dict(dict(zip(lstm.state_dict(), ours, strict=True)))


def encode(digits: Tensor, one_hot: bool) -> Tensor:
    """x(t) of digits (batch, length): float32 (batch, length, 10), or (batch, length, 1)."""
    return F.one_hot(digits, 10).float() if one_hot else digits.unsqueeze(-1).float()
