"""LSTMs whose equations are right, and whose states, parameters, gradients or modules are not."""

from .build import planted
from .right_cases import BUFFERS, EXP, MODULES, PLACE, SCRIPTED, SIDE_BY_SIDE, STEPS, C, N, P, S

MODELS = {
    # modules that are not allowed, files that are not finished
    "nn.LSTM under another name": planted(
        P,
        "lstm",
        "        self.out =",
        "        from torch.nn import LSTM as Layer\n\n"
        "        self.layer = Layer(input_dim, hidden_dim)\n        self.out =",
        "forbidden-module",
        "from torch.nn import LSTM as Layer",
        "self.layer = Layer(",
        also=("dead-parameter",),
    ),
    "nn.LSTMCell by getattr": planted(
        N,
        "lstm",
        "self.sigmoid = nn.Sigmoid()",
        'self.sigmoid = nn.Sigmoid()\n        self.cell = getattr(nn, "LSTM" + "Cell")(2, 3)',
        "forbidden-module",
        "self.cell = getattr(",
        also=("dead-parameter",),
    ),
    "torch.nn.modules.rnn": planted(
        N,
        "lstm",
        "import torch\nimport torch.nn as nn",
        "import torch\nimport torch.nn as nn\nimport torch.nn.modules.rnn as recurrent",
        "forbidden-module",
        "import torch.nn.modules.rnn as recurrent",
        "self.step = recurrent.GRUCell(",
        also=("dead-parameter",),
        more=(
            (
                "lstm",
                "        self.tanh = nn.Tanh()\n",
                "        self.tanh = nn.Tanh()\n        self.step = recurrent.GRUCell(3, 3)\n",
            ),
        ),
    ),
    "nn.LSTMCell in a helper module": planted(
        MODULES,
        "cell",
        "class LSTMCell(nn.Module):",
        "class LSTMCell(nn.LSTMCell):",
        "forbidden-module",
        found_in="lstm",
        also=("dead-parameter",),
        more=(("cell", "super().__init__()", "super().__init__(input_size, hidden_size)"),),
    ),
    "the toolkit's own cell": planted(
        P,
        "lstm",
        "import math\n",
        "import math\n\nfrom toolkit.lstm.model import LSTMCell\n",
        "forbidden-module",
        "from toolkit.lstm.model import LSTMCell",
    ),
    # h(0) and c(0)
    "h(0) random": planted(
        S, "lstm", "h = torch.zeros(x.size(0)", "h = torch.randn(x.size(0)", "nonzero-initial-state"
    ),
    "c(0) one": planted(
        S, "lstm", "c = torch.zeros(x.size(0)", "c = torch.ones(x.size(0)", "nonzero-initial-state"
    ),
    "h(0) one": planted(
        S, "lstm", "h = torch.zeros(x.size(0)", "h = torch.ones(x.size(0)", "nonzero-initial-state"
    ),
    "a buffer that is random": planted(
        BUFFERS,
        "lstm",
        'self.register_buffer("h0", torch.zeros(',
        'self.register_buffer("h0", torch.randn(',
        "nonzero-initial-state",
        'self.register_buffer("h0", torch.randn(',
        "h, c = self.h0",
    ),
    "c(0) is learnt": planted(
        BUFFERS,
        "lstm",
        "self.c0 = nn.Parameter(torch.zeros(1, hidden_dim), requires_grad=False)",
        "self.c0 = nn.Parameter(torch.zeros(1, hidden_dim))",
        "nonzero-initial-state",
        "self.c0 = nn.Parameter(",
        "h, c = self.h0",
        instead=("wrong-equation", "dead-parameter"),
    ),
    "the states of the batch before": planted(
        SIDE_BY_SIDE,
        "lstm",
        "        self.h = torch.zeros(x.size(0), self.hidden_dim, device=self.device)\n"
        "        self.c = torch.zeros(x.size(0), self.hidden_dim, device=self.device)\n",
        '        if not hasattr(self, "h") or len(self.h) != len(x):\n'
        "            self.h = torch.zeros(x.size(0), self.hidden_dim, device=self.device)\n"
        "            self.c = torch.zeros(x.size(0), self.hidden_dim, device=self.device)\n"
        "        self.h, self.c = self.h.detach(), self.c.detach()\n",
        "nonzero-initial-state",
        'if not hasattr(self, "h")',
        "self.h, self.c = self.h.detach()",
        "self.h = torch.zeros(",
        "self.c = torch.zeros(",
    ),
    "states set to zero in the loop": planted(
        P,
        "lstm",
        "            h, c = state\n",
        "            h, c = x.new_zeros(batch, self.n), x.new_zeros(batch, self.n)\n",
        "state-not-carried",
        "h, c = x.new_zeros(",
    ),
    "the new h is never read": planted(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h_new = torch.tanh(c) * o\n        p = h_new",
        "state-not-carried",
        "h_new = torch.tanh(c) * o",
    ),
    "always the first h of a list": planted(
        STEPS,
        "lstm",
        "hx = torch.cat((h[t], x[:, t]), 1)",
        "hx = torch.cat((h[0], x[:, t]), 1)",
        "state-not-carried",
    ),
    "c set to zero in the loop": planted(
        S,
        "lstm",
        "x_t = x[:, t]",
        "x_t = x[:, t]\n            c = torch.zeros_like(h)",
        "state-not-carried",
        "c = torch.zeros_like(h)",
        equation=5,
    ),
    # sizes
    "the batch size of the constructor": planted(
        C,
        "lstm",
        "h = torch.zeros(self.num_hidden, x.size(0),",
        "h = torch.zeros(self.num_hidden, 128,",
        "fixed-batch-size",
        "torch.zeros(self.num_hidden, 128,",
        more=(
            (
                "lstm",
                "c = torch.zeros(self.num_hidden, x.size(0),",
                "c = torch.zeros(self.num_hidden, 128,",
            ),
        ),
    ),
    "h is hidden by hidden": planted(
        S,
        "lstm",
        "h = torch.zeros(x.size(0), self",
        "h = torch.zeros(self.hidden_dim, self",
        "fixed-batch-size",
    ),
    "a bias for each sequence": planted(
        P,
        "lstm",
        "self.bias = nn.Parameter(torch.zeros(4 * hidden_dim))",
        "self.bias = nn.Parameter(torch.zeros(batch_size, 4 * hidden_dim))",
        "fixed-batch-size",
    ),
    "states made by the constructor": planted(
        SIDE_BY_SIDE,
        "lstm",
        "self.h = torch.zeros(x.size(0), self.hidden_dim",
        "self.h = torch.zeros(self.batch_size, self.hidden_dim",
        "fixed-batch-size",
        "torch.zeros(self.batch_size, self.hidden_dim",
        more=(
            (
                "lstm",
                "self.c = torch.zeros(x.size(0), self.hidden_dim",
                "self.c = torch.zeros(self.batch_size, self.hidden_dim",
            ),
        ),
    ),
    "a buffer for each sequence": planted(
        BUFFERS,
        "lstm",
        'self.register_buffer("h0", torch.zeros(1, hidden_dim))',
        'self.register_buffer("h0", torch.zeros(128, hidden_dim))',
        "fixed-batch-size",
        'self.register_buffer("h0", torch.zeros(128',
        "h, c = self.h0,",
        more=(("lstm", "h, c = self.h0.expand(batch, -1), self", "h, c = self.h0, self"),),
    ),
    "the length of the constructor": planted(
        S,
        "lstm",
        "self.hidden_dim = hidden_dim\n",
        "self.hidden_dim = hidden_dim\n        self.seq_length = seq_length\n",
        "fixed-sequence-length",
        "range(self.seq_length - 1)",
        more=(("lstm", "range(x.size(1))", "range(self.seq_length - 1)"),),
    ),
    "four steps": planted(N, "lstm", "range(x.size(1))", "range(4)", "fixed-sequence-length"),
    "four buffers": planted(
        PLACE,
        "lstm",
        "hs = x.new_zeros(steps + 1,",
        "hs = x.new_zeros(5,",
        "fixed-sequence-length",
        "hs = x.new_zeros(5,",
        "hs[t + 1] = h",
    ),
    "the last digit is not read": planted(
        S,
        "lstm",
        "range(x.size(1))",
        "range(x.size(1) - 1)",
        "loss-not-last-step",
        equation=9,
        instead=("wrong-equation", "fixed-sequence-length"),
    ),
    "the first digit is not read": planted(
        EXP,
        "lstm",
        "range(x.size(1))",
        "range(1, x.size(1))",
        "wrong-equation",
        equation=1,
        instead=("wrong-equation", "loss-not-last-step", "fixed-sequence-length"),
    ),
    "a scripted step that starts with ones": planted(
        SCRIPTED,
        "lstm",
        "c = torch.zeros(x.size(0), self.hidden_dim, dtype",
        "c = torch.ones(x.size(0), self.hidden_dim, dtype",
        "nonzero-initial-state",
    ),
}
