"""LSTMs whose equations are right, and whose states, parameters, gradients or modules are not."""

from .build import Change, Fault, Wrong, planted
from .wrong_cells import APART, EXP, MODULES, PLACE, SCRIPTED, STEPS, TANH, N, P, S

C, EMBEDDED = "columns, device, batch_size", "integers for an embedding"
BUFFERS, SIDE_BY_SIDE = "states that are buffers; the template", "matrices side by side"
OBJECTS, STATE = "gates that are objects", "a state as an argument; step functions"

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
        "import torch\nimport torch.nn as nn\nimport torch.nn.modules.rnn as recurrent\n\n"
        "Base = recurrent.GRU",
        "forbidden-module",
        "import torch.nn.modules.rnn as recurrent",
        "Base = recurrent.GRU",
    ),
    "nn.LSTMCell in a helper module": planted(
        MODULES,
        "cell",
        "class LSTMCell(nn.Module):",
        "class LSTMCell(nn.LSTMCell):",
        "forbidden-module",
        found_in="lstm",
        also=("dead-parameter",),
    ),
    "the toolkit's own cell": planted(
        P,
        "lstm",
        "import math\n",
        "import math\n\nfrom toolkit.lstm.model import LSTMCell\n",
        "forbidden-module",
        "from toolkit.lstm.model import LSTMCell",
    ),
    "a typing error": planted(S, "lstm", "x_t = x[:, t]", "x_t = x[:, i]", "does-not-run"),
    "a bracket too few": planted(S, "lstm", "+ self.b_g)", "+ self.b_g", "does-not-import"),
    "a helper module that is not there": planted(
        MODULES, "lstm", "from cell import", "from cells import", "does-not-import"
    ),
    "an empty template": planted(
        S, "lstm", "", "lstm_todo.py", "not-written", "pass", "def forward"
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
    # parameters
    "a bias that is a tensor": planted(
        S,
        "lstm",
        "self.b_i = nn.Parameter(torch.zeros(hidden_dim))",
        "self.b_i = torch.zeros(hidden_dim)",
        "parameter-not-learnable",
    ),
    "layers in a list": planted(
        N,
        "lstm",
        "self.ph = nn.Linear(hidden_dim, output_dim)",
        "self.last = [nn.Linear(hidden_dim, output_dim)]\n"
        "        self.ph = lambda h: self.last[0](h)",
        "parameter-not-learnable",
        "self.last = [nn.Linear(",
    ),
    "weights that want no gradient": planted(
        S,
        "lstm",
        "return nn.Parameter(torch.randn(rows, columns) / rows**0.5)",
        "return nn.Parameter(torch.randn(rows, columns) / rows**0.5, requires_grad=False)",
        "parameter-not-learnable",
        "requires_grad=False",
        "self.W_gx = weight(",
    ),
    "weights made anew in forward": planted(
        STATE,
        "lstm",
        "return self.decoder(h), (h, c)",
        "readout = nn.Linear(self.hidden_size, 10)\n        return readout(h), (h, c)",
        "parameter-not-learnable",
        "readout = nn.Linear(",
        also=("dead-parameter",),
    ),
    "a parameter made anew in forward": planted(
        TANH,
        "lstm",
        "        for t in range(x.shape[1]):",
        "        self.b_f = nn.Parameter(torch.rand(self.hidden_dim))\n"
        "        for t in range(x.shape[1]):",
        "parameter-not-learnable",
        "self.b_f = nn.Parameter(torch.rand",
    ),
    "a bias that is a buffer": planted(
        BUFFERS,
        "lstm",
        "self.b = nn.Parameter(torch.zeros(4, hidden_dim))",
        'self.register_buffer("b", torch.zeros(4, hidden_dim))',
        "parameter-not-learnable",
    ),
    "h hidden by hidden, and a bias that is a tensor": Wrong(
        S,
        (
            Change(
                "lstm", "h = torch.zeros(x.size(0), self", "h = torch.zeros(self.hidden_dim, self"
            ),
            Change(
                "lstm",
                "self.b_i = nn.Parameter(torch.zeros(hidden_dim))",
                "self.b_i = torch.zeros(hidden_dim)",
            ),
        ),
        (
            Fault("fixed-batch-size", ("h = torch.zeros(self.hidden_dim, self",)),
            Fault("parameter-not-learnable", ("self.b_i = torch.zeros(hidden_dim)",)),
        ),
        ("lstm",),
    ),
    "a layer that is never used": planted(
        N,
        "lstm",
        "self.sigmoid = nn.Sigmoid()",
        "self.sigmoid = nn.Sigmoid()\n        self.extra = nn.Linear(hidden_dim, hidden_dim)",
        "dead-parameter",
        "self.extra = nn.Linear(",
    ),
    "torch.empty is never filled": planted(
        TANH,
        "lstm",
        "        for p in self.parameters():\n            nn.init.uniform_(p, -k, k)\n",
        "",
        "uninitialised-weight",
        "torch.empty(",
        also=("does-not-learn",),
    ),
    "torch.Tensor with two sizes": planted(
        S,
        "lstm",
        "self.W_ph = weight(hidden_dim, output_dim)",
        "self.W_ph = nn.Parameter(torch.Tensor(hidden_dim, output_dim))",
        "uninitialised-weight",
        also=("does-not-learn",),
    ),
    "weights that start at zero": planted(
        S,
        "lstm",
        "torch.randn(rows, columns) / rows**0.5",
        "torch.zeros(rows, columns)",
        "does-not-learn",
        "torch.zeros(rows, columns)",
        "self.W_gx = weight(",
    ),
    # gradients
    "h is cut off in the loop": planted(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n",
        "h = torch.tanh(c) * o\n            c = c.detach()\n"
        "            h = h if t == x.size(1) - 1 else h.detach()\n",
        "broken-gradient",
        "c = c.detach()",
        "h = h if t ==",
    ),
    "the data of c": planted(
        S, "lstm", "c = g * i + c * f", "c = g * i + c.data * f", "broken-gradient"
    ),
    "only h is cut off": planted(
        MODULES,
        "lstm",
        "state = self.cell(x[:, t, :], *state)",
        "state = self.cell(x[:, t, :], state[0].detach(), state[1])",
        "broken-gradient",
    ),
    "h as a new tensor": planted(
        SIDE_BY_SIDE,
        "lstm",
        "self.h = torch.tanh(self.c) * o",
        "self.h = torch.tanh(self.c) * o\n"
        "            if t < x.size(1) - 1:\n"
        "                self.h = torch.from_numpy(self.h.detach().numpy())",
        "broken-gradient",
        "self.h = torch.from_numpy(",
    ),
    "a buffer that is read and written": planted(
        PLACE,
        "lstm",
        "a = from_x[:, t] + self.wh(h)",
        "a = from_x[:, t] + self.wh(hs[t])",
        "does-not-run",
        "hs[t + 1] = h",
        "self.wh(hs[t])",
        instead=("broken-gradient",),
    ),
    "c is changed after it was read": planted(
        PLACE,
        "lstm",
        "h = torch.sigmoid(o) * torch.tanh(c)",
        "h = torch.sigmoid(o) * c.tanh_()",
        "wrong-equation",
        equation=5,  # the next step reads tanh(c)
        instead=("does-not-run", "broken-gradient"),
    ),
    # the answer
    "the first step answers": planted(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h = torch.tanh(c) * o\n            first = h if t == 0 else first\n        p = first",
        "loss-not-last-step",
        "first = h if t == 0",
        "p = first",
        equation=9,
    ),
    "the mean of all steps answers": planted(
        S,
        "lstm",
        "h = torch.tanh(c) * o\n        p = h",
        "h = torch.tanh(c) * o\n            total = h if t == 0 else total + h\n"
        "        p = (total / x.size(1))",
        "loss-not-last-step",
        "total = h if t == 0",
        "p = (total",
        equation=9,
    ),
    "log_softmax over the batch": planted(
        EMBEDDED,
        "lstm",
        "F.log_softmax(self.h2p(h), dim=1)",
        "F.log_softmax(self.h2p(h), dim=0)",
        "wrong-equation",
        equation=8,
        instead=("wrong-loss",),
        found_in="lstm and train",
    ),
    "a softmax over the batch": planted(
        EXP,
        "lstm",
        "e = torch.exp(v - v.max(dim=1, keepdim=True).values)\n    return e / e.sum(dim=1, keepdim",
        "e = torch.exp(v - v.max(dim=0, keepdim=True).values)\n    return e / e.sum(dim=0, keepdim",
        "wrong-equation",
        "return e / e.sum(dim=0",
        "return softmax(",
        equation=8,
        instead=("wrong-loss",),
        found_in="lstm and train",
    ),
    # devices
    "cuda in forward": planted(
        S,
        "lstm",
        "self.hidden_dim, device=x.device)\n        c",
        "self.hidden_dim).cuda()\n        c",
        "fixed-device",
        "self.hidden_dim).cuda()",
    ),
    "states that stay behind": planted(
        C,
        "lstm",
        "h = torch.zeros(self.num_hidden, x.size(0), device=self.device)",
        "h = torch.zeros(self.num_hidden, x.size(0))",
        "fixed-device",
        "h = torch.zeros(self.num_hidden, x.size(0))",
        "c = torch.zeros(self.num_hidden, x.size(0))",
        found_in="lstm and train",
        more=(
            (
                "lstm",
                "c = torch.zeros(self.num_hidden, x.size(0), device=self.device)",
                "c = torch.zeros(self.num_hidden, x.size(0))",
            ),
        ),
    ),
    "one state that stays behind": planted(
        APART,
        "lstm",
        "            h = torch.tanh(c) * o\n",
        "            h = torch.tanh(c) * o + torch.zeros(len(x), 1).to('cuda:0')\n",
        "fixed-device",
        "to('cuda:0')",
    ),
    "a scripted step that starts with ones": planted(
        SCRIPTED,
        "lstm",
        "c = torch.zeros(x.size(0), self.hidden_dim, dtype",
        "c = torch.ones(x.size(0), self.hidden_dim, dtype",
        "nonzero-initial-state",
    ),
    "an object's bias is a tensor": planted(
        OBJECTS,
        "lstm",
        "self.bias = nn.Parameter(torch.zeros(n_out))",
        "self.bias = torch.zeros(n_out)",
        "parameter-not-learnable",
    ),
}
