"""What the search for a way to run a network asks of the outputs that it sees."""

import torch

from toolkit.assignment.judging.lstm.search import apart


def test_sequences_are_kept_apart() -> None:
    """Another first sequence changes the other rows not at all, or by a softmax over the batch."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 10, generator=rng)
    other, mixed = logits.clone(), logits.clone()
    other[0] += torch.randn(10, generator=rng)
    mixed += other[0]
    mixed[1:] += torch.randn(4, 10, generator=rng)
    assert apart(logits, other)
    assert apart(logits.softmax(0), other.softmax(0))
    assert not apart(logits, mixed)
    assert not apart(logits.softmax(0), mixed.softmax(0))
    assert not apart(logits[:1].expand(5, 10), other[:1].expand(5, 10))
