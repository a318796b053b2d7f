"""The weights of our cell as those of a one-layer `nn.LSTM`, and back."""

import torch
from torch import nn

from toolkit.lstm.model import LSTMCell


def copy_from_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """torch's two biases are added up."""
    w_ih, w_hh, b_ih, b_hh = lstm.parameters()
    cell.load_state_dict({"weight_ih": w_ih, "weight_hh": w_hh, "bias": b_ih + b_hh})


def copy_to_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """torch's second bias becomes zero."""
    ours = (cell.weight_ih, cell.weight_hh, cell.bias, torch.zeros_like(cell.bias))
    lstm.load_state_dict(dict(zip(lstm.state_dict(), ours, strict=True)))
