"""An LSTM implemented from its equations.

For each step t, with * element-wise, and h(0) = c(0) = 0:

    g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)       (1)  input modulation
    i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)    (2)  input gate
    f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)    (3)  forget gate
    o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)    (4)  output gate
    c(t) = g(t) * i(t) + c(t-1) * f(t)               (5)
    h(t) = tanh(c(t)) * o(t)                         (6)
    p(t) = W_ph h(t) + b_p                           (7)

torch.nn.LSTM, LSTMCell, GRU and GRUCell are not allowed.
"""

import torch
from torch import Tensor, nn


class LSTM(nn.Module):
    """An LSTM that reads T-1 digits and returns the logits p(T) of the last digit.

    Shapes: W_gx, W_ix, W_fx, W_ox are (hidden_dim, input_dim); W_gh, W_ih, W_fh, W_oh are
    (hidden_dim, hidden_dim); the biases b_g, b_i, b_f, b_o are (hidden_dim,); W_ph is (output_dim,
    hidden_dim) and b_p is (output_dim,). All of them are learnt. Think about how large their
    initial values should be.

    Args:
        seq_length: T, the number of digits in a palindrome. Does forward need it?
        input_dim: 10 for one-hot digits, 1 for digits as single numbers.
        hidden_dim: the size of h(t) and of c(t).
        output_dim: number of classes, 10.
    """

    def __init__(self, seq_length: int, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        raise NotImplementedError("LSTM.__init__: make the weights and the biases")

    def forward(self, x: Tensor) -> Tensor:
        """Step through time in a for loop, using equations (1) to (7).

        Args:
            x: float32 (batch, T-1, input_dim); any batch size, any length, any device.

        Returns:
            float32 (batch, output_dim): the logits p at the last step. Which part of (8) and (9) in
                train.py does PyTorch's loss function compute for you?
        """
        raise NotImplementedError("LSTM.forward: equations (1) to (7)")
