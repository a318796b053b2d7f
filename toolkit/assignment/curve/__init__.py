"""The command `curve`, which compares a training run with a band of healthy runs."""
