"""How the learning rate changes over a training."""


def annealed(learning_rate: float, step: int, num_steps: int, least: float = 0.0) -> float:
    """Constant for the first half of the steps 1 to num_steps, then falling linearly towards 0.

    Args:
        least: the share of the rate below which it does not fall.
    """
    left = (num_steps - step + 1) / num_steps
    return learning_rate * max(least, min(1.0, 2 * left))
