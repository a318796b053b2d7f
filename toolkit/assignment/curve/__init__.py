"""Is my curve normal? A training against the band of healthy ones."""
