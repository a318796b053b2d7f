"""Is my curve normal? Compares a training run with the band of healthy runs."""
