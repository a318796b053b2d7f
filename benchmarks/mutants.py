"""Small faults that are put into right code mechanically, one at a time."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of fault: what is replaced, and what a teacher would call the result."""

    part: str  # whose file is changed
    old: str  # a regular expression
    new: str | Callable[[re.Match[str]], str]
    ids: tuple[str, ...]  # any of these names it
    equation: tuple[int, ...] = ()  # for wrong-equation
    unless: str = ""  # it makes no difference in a file where this is found
    sure: bool = False  # changes behaviour that a short run on this machine does not show
    also: str = ""  # lines with this are as good as the one with the fault


class Mutant(NamedTuple):
    """A file with one fault."""

    kind: str
    text: str
    line: int  # where it was put


ASSIGNED = r"(?m)^(?P<space>[ \t]+)(?P<c>c\w*) = "  # the cell state, by its letter
LOOP = r"(?m)^(?P<space>[ \t]+)for (?P<t>\w+) in (?P<over>[^\n]+):\n"
EQUATION = ("wrong-equation",)


def _at_loop(statement: str) -> Callable[[re.Match[str]], str]:
    """Begin the loop over time with a statement."""
    return lambda m: f"{m[0]}{m['space']}    {statement}\n"


def _swap(m: re.Match[str]) -> str:
    return m["second"] + m["first"]


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
    # lstm.py: the states
    "h is not carried": Kind(
        "lstm", LOOP, _at_loop("h = h * 0"), ("state-not-carried", *EQUATION), unless=r"h_t|state"
    ),
    "c is not carried": Kind(
        "lstm", LOOP, _at_loop("c = c * 0"), ("state-not-carried", *EQUATION), unless=r"c_t|state"
    ),
    "h is detached": Kind(
        "lstm", LOOP, _at_loop("h = h.detach()"), ("broken-gradient",), unless=r"h_t|state"
    ),
    "c is detached": Kind(
        "lstm", LOOP, _at_loop("c = c.detach()"), ("broken-gradient",), unless=r"c_t|state"
    ),
    "h_t.data": Kind(
        "lstm", LOOP, _at_loop("h_t = h_t.data"), ("broken-gradient",), unless=r"h = "
    ),
    "c[0] is random": Kind(
        "lstm",
        r"\bc(_t)? = torch\.zeros\(",
        lambda m: m[0].replace("zeros", "randn"),
        ("nonzero-initial-state",),
    ),
    "states begin at one": Kind("lstm", r"new_zeros\(", "new_ones(", ("nonzero-initial-state",)),
    "one step too few": Kind(
        "lstm",
        r"range\(x\.size\(1\)\)",
        "range(x.size(1) - 1)",
        ("fixed-sequence-length", "state-not-carried", *EQUATION),
    ),
    "the first digit is skipped": Kind(
        "lstm",
        r"range\(x\.size\(1\)\)",
        "range(1, x.size(1))",
        ("fixed-sequence-length", "state-not-carried", *EQUATION),
    ),
    "four steps, always": Kind(
        "lstm",
        r"range\(x\.(size\(1\)|shape\[1\])\)",
        "range(4)",
        ("fixed-sequence-length",),
        sure=True,
    ),
    "the same digit at every step": Kind(
        "lstm",
        r"x\[:, t(, :)?\]",
        "x[:, 0]",
        ("fixed-sequence-length", "state-not-carried", *EQUATION),
    ),
    "states for 128 sequences": Kind(
        "lstm", r"torch\.zeros\(x\.size\(0\)", "torch.zeros(128", ("fixed-batch-size",), sure=True
    ),
    "states on the CPU": Kind("lstm", r", device=x\.device", "", ("fixed-device",), sure=True),
    "states not moved": Kind("lstm", r"\.to\(x\.device\)", "", ("fixed-device",), sure=True),
    # lstm.py: the parameters
    "a weight that is no parameter": Kind(
        "lstm",
        r"(?P<is> = )(nn\.)?Parameter\((?P<w>torch\.randn\([^()]*\))\)",
        r"\g<is>\g<w>",
        ("parameter-not-learnable",),
    ),
    "a weight that is frozen": Kind(
        "lstm",
        r"(?P<p>Parameter\(torch\.randn\([^()]*\))\)",
        r"\g<p>, requires_grad=False)",
        ("parameter-not-learnable",),
    ),
    "a bias that is no parameter": Kind(  # a bias that stays zero is none
        "lstm",
        r"(?P<is> = )(nn\.)?Parameter\((?P<w>torch\.zeros\([^()]*\))\)",
        r"\g<is>\g<w>",
        ("parameter-not-learnable", *EQUATION),
    ),
    "a bias that is frozen": Kind(
        "lstm",
        r"(?P<p>Parameter\(torch\.zeros\([^()]*\))\)",
        r"\g<p>, requires_grad=False)",
        ("parameter-not-learnable", *EQUATION),
    ),
    # train.py
    "Adam": Kind("train", r"\bRMSprop\(", "Adam(", ("wrong-optimiser",)),
    "SGD": Kind("train", r"\bRMSprop\(", "SGD(", ("wrong-optimiser",)),
    "gradients are not cleared": Kind(
        "train",
        r"(?m)^(?P<s>\s+)(optimizer|model)\.zero_grad\([^\n]*\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
    ),
    "no step": Kind(
        "train", r"(?m)^(?P<s>\s+)optimizer\.step\(\)$", r"\g<s>pass", ("does-not-learn",)
    ),
    "no backward": Kind(
        "train", r"(?m)^(?P<s>\s+)loss\.backward\(\)$", r"\g<s>pass", ("does-not-learn",)
    ),
    "clipped after the step": Kind(
        "train",
        r"(?m)^(?P<first>\s+[\w.]*clip_grad_norm_[^\n]*\n)(?P<second>\s+optimizer\.step\(\)\n)",
        _swap,
        ("clipping-without-effect",),
        sure=True,
    ),
    "clipped before backward": Kind(
        "train",
        r"(?m)^(?P<first>\s+loss\.backward\(\)\n)(?P<second>\s+[\w.]*clip_grad_norm_[^\n]*\n)",
        _swap,
        ("clipping-without-effect",),
        sure=True,
    ),
    "a margin loss": Kind("train", r"\bCrossEntropyLoss\(\)", "MultiMarginLoss()", ("wrong-loss",)),
    "NLL of logits": Kind("train", r"\bCrossEntropyLoss\(\)", "NLLLoss()", ("wrong-loss",)),
    "the last step but one": Kind(
        "train", r"model\(x\)\[-1\]", "model(x)[-2]", ("loss-not-last-step",)
    ),
    "the mean over all steps": Kind(
        "train", r"model\(x\)\[-1\]", "model(x).mean(0)", ("loss-not-last-step",)
    ),
    "a rate of 10": Kind("train", r"(lr=|\(\), )(0\.001|1e-3)", r"lr=10.0", ("does-not-learn",)),
    "tested on the training data": Kind(
        "train",
        r"DataLoader\(test_set",
        "DataLoader(train_set",
        ("tests-on-training-data", "split-leak"),
    ),
    "labels of another digit": Kind(
        "train",
        r"criterion\(out, labels\)",
        "criterion(out, (labels + 1) % 10)",
        ("wrong-loss", "wrong-label", "does-not-learn"),
    ),
    # dataset.py
    "the digit before the last": Kind(
        "dataset", r"(?P<r>row|full)\[-1\]", r"\g<r>[-2]", ("wrong-label",)
    ),
    "the answer is among the inputs": Kind(
        "dataset",
        r"(?P<r>row|full|digits)\[:-1\]",
        r"\g<r>[1:]",
        ("answer-in-input", "wrong-label"),
    ),
    "not mirrored": Kind(
        "dataset",
        r"\.flip\(0\)|left\[::-1\]",
        lambda m: "left"[: 4 * (m[0][0] == "l")],
        ("not-a-palindrome",),
    ),
    "nine digits": Kind("dataset", r"randint\(0, 10,", "randint(0, 9,", ("missing-digits",)),
    "both halves of the split": Kind("dataset", r"test != train", "True", ("split-leak",)),
    # my_gan.py
    "no detach": Kind("gan", r"\.detach\(\)", "", ("missing-detach", "does-not-run")),
    "D's gradients are not cleared": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(optimizer_[dD]|opt_[dD]|discriminator)\.zero_grad\(\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
    ),
    "G's gradients are not cleared": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(optimizer_[gG]|opt_[gG]|generator)\.zero_grad\(\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
    ),
    "generated images are called real": Kind(
        "gan",
        r"torch\.zeros_like\((no|fake_logits)\)",
        r"torch.ones_like(\1)",
        ("wrong-direction", "one-sided-loss", "wrong-loss"),
    ),
    "G wants to be caught": Kind(
        "gan",
        r"discriminator\(gen_imgs\), real\)",
        "discriminator(gen_imgs), fake)",
        ("wrong-direction",),
    ),
    "G wants to be caught, by logits": Kind(
        "gan",
        r"(?P<v>bce\(verdict|with_logits\(logits), torch\.ones_like",
        r"\g<v>, torch.zeros_like",
        ("wrong-direction",),
    ),
    "G's loss has the other sign": Kind(
        "gan", r"loss_g = -nn", "loss_g = nn", ("wrong-direction",)
    ),
    "D's loss has the other sign": Kind("gan", r"loss_d = -\(", "loss_d = (", ("wrong-direction",)),
    "real images are called generated": Kind(
        "gan",
        r"discriminator\(imgs\), real\)",
        "discriminator(imgs), fake)",
        ("wrong-direction", "one-sided-loss"),
    ),
    "D sees no generated image": Kind(
        "gan", r"\(d_real \+ d_fake\) / 2", "d_real", ("one-sided-loss",)
    ),
    "D sees no real image": Kind("gan", r"\(d_real \+ d_fake\) / 2", "d_fake", ("one-sided-loss",)),
    "uniform noise": Kind("gan", r"torch\.randn\(", "torch.rand(", ("wrong-noise",)),
    "wide noise": Kind(
        "gan", r"torch\.normal\(0\.0, 1\.0", "torch.normal(0.0, 3.0", ("wrong-noise",)
    ),
    "no tanh at the end": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)nn\.Tanh\(\),\n",
        "",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "sigmoid at the end": Kind(
        "gan",
        r"nn\.Tanh\(\),",
        "nn.Sigmoid(),",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "data not scaled": Kind(
        "gan",
        r"[A-Za-z]+\.Normalize\([^\n]*?0\.5[^\n]*?\)(?=\)|\]|\n)",
        "transforms.Lambda(lambda x: x)",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "sigmoid, and logits expected": Kind(
        "gan", r"nn\.BCELoss\(\)", "nn.BCEWithLogitsLoss()", ("sigmoid-twice",), also=r"[sS]igmoid"
    ),
    "drawn in training mode": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(generator|G)\.eval\(\)\n(?=[^=]*(sample|save_image|images = ))",
        r"\g<s>pass\n",
        ("batchnorm-mode",),
    ),
    "trained in eval mode afterwards": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(generator|G)\.train\(\)$",
        r"\g<s>pass",
        ("batchnorm-mode",),
        also=r"\.eval\(\)",
    ),
    "G's optimiser has D's parameters": Kind(
        "gan",
        r"(?P<o>(optimizer|opt)_[gG] = torch\.optim\.Adam\()(generator|G)\.",
        lambda m: m["o"] + {"generator": "discriminator.", "G": "D."}[m[3]],
        ("wrong-direction", "does-not-learn", "gradients-not-cleared", "not-watched"),
        also=r"[gG]\.step\(",
    ),
    "7 images with both ends": Kind(
        "gan",
        r"linspace\(0, 1, (9|n_steps \+ 2)\)",
        "linspace(0, 1, 7)",
        ("wrong-interpolation",),
        sure=True,
    ),
    "one end is missing": Kind(
        "gan", r"linspace\(0, 1, 9\)", "linspace(0, 0.9, 9)", ("wrong-interpolation",), sure=True
    ),
    "the path is bent": Kind(
        "gan",
        r"z1 \+ \(z2 - z1\) \* w",
        "z1 + (z2 - z1) * w**2",
        ("wrong-interpolation",),
        sure=True,
    ),
    "both ends of any class": Kind(
        "gan", r"if digits\[0\] != digits\[1\]:", "if True:", ("same-class-ends",), sure=True
    ),
}


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def mutants(part: str, text: str) -> Iterator[Mutant]:
    """All mutants of one file."""
    for name, kind in KINDS.items():
        if kind.part != part or (kind.unless and re.search(kind.unless, text)):
            continue
        for match in re.finditer(kind.old, text):
            new = kind.new(match) if callable(kind.new) else match.expand(kind.new)
            changed = text[: match.start()] + new + text[match.end() :]
            if changed == text or not _parses(changed):
                continue
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            yield Mutant(name, changed, text.count("\n", 0, start) + 1)
