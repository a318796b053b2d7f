"""Faults in the training of an LSTM, and in its data."""

import re

from faults.kind import Kind


def _swap(m: re.Match[str]) -> str:
    return m["second"] + m["first"]


KINDS = {
    # train.py
    "Adam": Kind("train", r"\bRMSprop\(", "Adam(", ("wrong-optimiser",)),
    "SGD": Kind("train", r"\bRMSprop\(", "SGD(", ("wrong-optimiser",)),
    "gradients are not cleared": Kind(
        "train",
        r"(?m)^(?P<s>\s+)(optimizer|model)\.zero_grad\([^\n]*\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
        also=r"\.step\(|backward\(",
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
}
