"""LSTMs whose equations are not those of the assignment."""

from .build import Change, Fault, Wrong, planted
from .right_cases import APART, EXP, MODULES, PLACE, SCRIPTED, SIDE, STEPS, TANH, N, P, S

DEAD = ("dead-parameter",)


def equation(
    number: int,
    base: str,
    old: str,
    new: str,
    *at: str,
    also: tuple[str, ...] = (),
    part: str = "lstm",
) -> Wrong:
    """One equation that is another."""
    found_in = "lstm"
    return planted(
        base, part, old, new, "wrong-equation", *at, equation=number, also=also, found_in=found_in
    )


CELLS = {
    "g with a sigmoid": equation(1, S, "g = torch.tanh(", "g = torch.sigmoid("),
    "g without x": equation(1, S, "x_t @ self.W_gx + h", "h", "g = torch.tanh(h @ self.W_gh",
        also=DEAD),
    "i with a tanh": equation(2, N, "i_t = self.sigmoid(", "i_t = self.tanh("),
    "i without h": equation(2, S, " + h @ self.W_ih", "", "i = torch.sigmoid(x_t @ self.W_ix",
        also=DEAD),
    "f reads the weights of i": equation(3, S, "x_t @ self.W_fx", "x_t @ self.W_ix",
        "f = torch.sigmoid(x_t @ self.W_ix", also=DEAD),
    "f without its bias": equation(3, S, " + self.b_f)", ")", "f = torch.sigmoid(", also=DEAD),
    "f peeps into c": equation(3, S, "h @ self.W_fh + self.b_f", "h @ self.W_fh + c + self.b_f"),
    "o without a sigmoid": equation(4, S, "o = torch.sigmoid(", "o = ("),
    "c forgets the input gate": equation(5, S, "c = g * i + c * f", "c = g + c * f",
        "c = g + c * f", "i = torch", also=DEAD),
    "c without the forget gate": equation(5, S, "c = g * i + c * f", "c = g * i + c",
        "c = g * i + c", "f = torch", also=DEAD),
    "c adds f": equation(5, S, "c = g * i + c * f", "c = g * i + f"),
    "c is a GRU's": equation(5, S, "c = g * i + c * f", "c = g * i + c * (1 - i)", also=DEAD),
    "h without tanh": equation(6, S, "h = torch.tanh(c) * o", "h = c * o"),
    "h without o": equation(6, S, "h = torch.tanh(c) * o", "h = torch.tanh(c)", also=DEAD),
    "h with the brackets wrong": equation(6, S, "h = torch.tanh(c) * o", "h = torch.tanh(c * o)"),
    "p from c": equation(7, S, "p = h @ self.W_ph", "p = c @ self.W_ph"),
    "p without a bias": equation(7, P, "nn.Linear(hidden_dim, output_dim)",
        "nn.Linear(hidden_dim, output_dim, bias=False)", "self.out = ", "self.out("),
    "an RNN": equation(5, S, "", "lstm_rnn.py", "h = torch.tanh(self.hx",
        also=("wrong-equation", "fixed-device")),
    "a GRU by hand": equation(5, S, "", "lstm_gru.py", "h = (1 - z) * n + z * h",
        also=("wrong-equation", "fixed-device")),
    # in other styles
    # (3) and (4) as well
    "a gate between -1 and 1": planted(TANH, "lstm", "return 0.5 * torch.tanh(0.5 * a) + 0.5",
        "return torch.tanh(0.5 * a)", "wrong-equation", "return torch.tanh(0.5 * a)", "i = sigma(",
        equation=2, also=("wrong-equation",)),
    "the wrong gate out of a list": equation(6, EXP, "hs.append(tanh(cs[-1]) * o)",
        "hs.append(cs[-1] * o)"),
    "a forget gate behind an embedding": equation(3, "integers for an embedding",
        "f = torch.sigmoid(", "f = torch.tanh("),
    "only the first step is wrong": equation(5, APART, "                c = g * i\n",
        "                c = g  # nothing to forget yet\n", "c = g  # nothing to forget yet",
        "for t in range(x.size(1))"),
    "only the first step is right": equation(5, APART, "c = g * i + c * f", "c = g * i + c",
        "c = g * i + c", also=DEAD),
    "in place, g with a sigmoid": equation(1, PLACE, "c.add_(torch.sigmoid(i) * torch.tanh(g))",
        "c.add_(torch.sigmoid(i) * torch.sigmoid(g))"),
    "in place, the forget gate is added": equation(5, PLACE, "c.mul_(torch.sigmoid(f))",
        "c.add_(torch.sigmoid(f))"),
    "a sigmoid after nn.Sigmoid": equation(2, MODULES, "self.input_gate(xh) +",
        "torch.sigmoid(self.input_gate(xh)) +", part="cell"),
    "o reads c": equation(4, MODULES, "return torch.tanh(c) * self.output_gate(xh), c",
        "return torch.tanh(c) * self.output_gate(torch.cat([x, c], dim=1)), c", part="cell"),
    "o with a tanh, on its side": equation(4, SIDE, "self.weights[3], z).sigmoid()",
        "self.weights[3], z).tanh()"),
    "f without h, on its side": equation(3, SIDE,
        "f = torch.addmm(self.biases[0], self.weights[0], z).sigmoid()",
        "f = (self.weights[0][:, self.n :] @ column + self.biases[0]).sigmoid()"),
    "no tanh in a scripted step": equation(6, SCRIPTED, "h = torch.sigmoid(o) * torch.tanh(c)",
        "h = torch.sigmoid(o) * c"),
    "relu for tanh in an object": equation(1, "gates that are objects", "n_hidden, nn.Tanh())",
        "n_hidden, nn.ReLU())", "n_hidden, nn.ReLU())", "return self.activation("),
    "the gates of a buffer model in the wrong place": equation(5,
        "states that are buffers; the template", "c = g * gates[:, 0] + c * gates[:, 1]",
        "c = g * gates[:, 0] + c * (1 - gates[:, 0])", also=DEAD),
    "the sum is squashed": equation(5, "sizes in an object; Wasserstein",
        "c_t = torch.mul(g_t, i_t) + torch.mul(c_t, f_t)",
        "c_t = torch.sigmoid(torch.mul(g_t, i_t) + torch.mul(c_t, f_t))"),
    "one bias for two gates": equation(3, "matrices side by side",
        'b = torch.cat([self.W[k] for k in "gifo"])', 'b = torch.cat([self.W[k] for k in "giio"])',
        also=DEAD),
    # behind another fault
    "a fixed length, and h without o": Wrong(S, (Change("lstm", "range(x.size(1))", "range(4)"),
        Change("lstm", "h = torch.tanh(c) * o", "h = torch.tanh(c)")),
        (Fault("fixed-sequence-length", ("range(4)",)),
        Fault("wrong-equation", ("h = torch.tanh(c)",), 6)), ("lstm",), DEAD),
    "a fixed batch, and g with a sigmoid": Wrong(S, (Change("lstm", "h = torch.zeros(x.size(0)",
        "h = torch.zeros(128"), Change("lstm", "c = torch.zeros(x.size(0)", "c = torch.zeros(128"),
        Change("lstm", "g = torch.tanh(", "g = torch.sigmoid(")),
        (Fault("fixed-batch-size", ("torch.zeros(128",)),
        Fault("wrong-equation", ("g = torch.sigmoid(",), 1)), ("lstm",)),
    "two wrong equations": Wrong(STEPS, (Change("lstm", "c.append(g * i + c[t] * f)",
        "c.append(g * i + c[t])"), Change("lstm", "h.append(c[t + 1].tanh() * o)",
        "h.append(c[t + 1] * o)")), (Fault("wrong-equation", ("c.append(g * i + c[t])",), 5),
        Fault("wrong-equation", ("h.append(c[t + 1] * o)",), 6)), ("lstm",), DEAD),
}  # fmt: skip
