"""LSTMs whose parameters, gradients or answers are wrong."""

from .build import Change, Fault, Wrong, planted
from .right_cases import (
    BUFFERS,
    EMBEDDED,
    EXP,
    MODULES,
    OBJECTS,
    PLACE,
    SIDE_BY_SIDE,
    STATE,
    TANH,
    N,
    S,
)

PARAMETERS = {
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
        also=("dead-parameter", "fixed-device"),
    ),
    "a parameter made anew in forward": planted(
        TANH,
        "lstm",
        "        for t in range(x.shape[1]):",
        "        self.b_f = nn.Parameter(torch.rand(self.hidden_dim))\n"
        "        for t in range(x.shape[1]):",
        "parameter-not-learnable",
        "self.b_f = nn.Parameter(torch.rand",
        also=("fixed-device",),
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
    "an object's bias is a tensor": planted(
        OBJECTS,
        "lstm",
        "self.bias = nn.Parameter(torch.zeros(n_out))",
        "self.bias = torch.zeros(n_out)",
        "parameter-not-learnable",
    ),
}
