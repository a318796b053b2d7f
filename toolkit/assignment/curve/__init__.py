"""The command `curve`: a comparison of a training run with a band of healthy runs."""
