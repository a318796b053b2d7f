"""Faults in an LSTM's states, its parameters and its loop."""

import re
from collections.abc import Callable

from faults.kind import Kind

LOOP = r"(?m)^(?P<space>[ \t]+)for (?P<t>\w+) in (?P<over>[^\n]+):\n"
EQUATION = ("wrong-equation",)


def _at_loop(statement: str) -> Callable[[re.Match[str]], str]:
    """Begin the loop over time with a statement."""
    return lambda m: f"{m[0]}{m['space']}    {statement}\n"


KINDS = {
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
        ("fixed-sequence-length", "state-not-carried", "loss-not-last-step", *EQUATION),
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
}
