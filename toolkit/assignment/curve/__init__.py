"""The command `curve`, which compares the curves of a training run with those of healthy runs."""
