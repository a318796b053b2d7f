"""The learning-rate schedule that both parts of the assignment share."""


def annealed(learning_rate: float, step: int, num_steps: int, final_lr_ratio: float = 0.0) -> float:
    """The learning rate at one step: constant for the first half, then falling linearly towards 0.

    Args:
        step: from 1 to `num_steps`.
        final_lr_ratio: from 0 to 1; the rate stops falling at this fraction of `learning_rate`.
    """
    remaining = (num_steps - step + 1) / num_steps
    return learning_rate * max(final_lr_ratio, min(1.0, 2 * remaining))
