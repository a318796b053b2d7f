"""Faults in an LSTM's equations."""

from faults.kind import Kind

EQUATION = ("wrong-equation",)
KINDS = {
    # lstm.py: the equations
    "tanh for a gate's sigmoid": Kind("lstm", r"torch\.sigmoid\(", "torch.tanh(", EQUATION),
    "tanh for a gate's .sigmoid()": Kind("lstm", r"\.sigmoid\(\)", ".tanh()", EQUATION),
    "tanh for self.sigmoid": Kind("lstm", r"self\.sigmoid\(", "self.tanh(", EQUATION),
    "relu for a gate's sigmoid": Kind("lstm", r"torch\.sigmoid\(", "torch.relu(", EQUATION),
    "sigmoid for tanh": Kind("lstm", r"torch\.tanh\(", "torch.sigmoid(", EQUATION),
    "sigmoid for .tanh()": Kind("lstm", r"\.tanh\(\)", ".sigmoid()", EQUATION),
    "no tanh of c in (6)": Kind(
        "lstm", r"(torch|self)\.tanh\((?P<c>c\w*)\)", lambda m: m["c"], EQUATION, (6,)
    ),
    "no .tanh() of c in (6)": Kind("lstm", r"\b(?P<c>c\w*)\.tanh\(\)", lambda m: m["c"], EQUATION),
    "the input gate forgets too": Kind(
        "lstm",
        r"\b(?P<a>g\w* \* i\w*) \+ (?P<c>c\w*) \* f(?P<rest>\w*)",
        lambda m: f"{m['a']} + {m['c']} * i{m['rest']}",
        (*EQUATION, "dead-parameter"),
    ),
    "no input gate in (5)": Kind(
        "lstm",
        r"= (?P<g>g\w*) \* i\w* \+",
        lambda m: f"= {m['g']} +",
        (*EQUATION, "dead-parameter"),
    ),
    "no forget gate in (5)": Kind(
        "lstm",
        r"\+ (?P<c>c\w*) \* f\w*",
        lambda m: f"+ {m['c']}",
        (*EQUATION, "dead-parameter"),
    ),
    "minus in (5)": Kind("lstm", r"\+ (?P<rest>c\w* \* f\w*)", r"- \g<rest>", EQUATION, (5,)),
    "no output gate in (6)": Kind(
        "lstm",
        r"(?P<h>torch\.tanh\(c\w*\)) \* o\w*",
        lambda m: m["h"],
        (*EQUATION, "dead-parameter"),
    ),
    "a gate without its bias": Kind(
        "lstm",
        r" \+ self\.b(ias)?_?[gifo]\b",
        "",
        (*EQUATION, "dead-parameter"),
    ),
    "a gate's layers without bias": Kind(
        "lstm",
        r"self\.(?P<name>[gifo]x) = nn\.Linear\(input_dim, hidden_dim\)",
        r"self.\g<name> = nn.Linear(input_dim, hidden_dim, bias=False)",
        EQUATION,
    ),
    "no recurrence in one gate": Kind(
        "lstm",
        r" \+ h\w* @ self\.W_[gifo]h",
        "",
        (*EQUATION, "dead-parameter"),
    ),
    "a readout without bias": Kind(
        "lstm", r" \+ self\.b(ias)?_p\b", "", (*EQUATION, "dead-parameter"), (7,)
    ),
    "softmax in the model": Kind(
        "lstm",
        r"(?m)^(?P<s>        )return (?P<p>p|self\.(out|ph)\([^\n]*\))$",
        r"\g<s>return torch.softmax(\g<p>, dim=1)",
        ("softmax-before-loss",),
    ),
}
