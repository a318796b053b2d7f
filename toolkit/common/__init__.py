"""Floor 1: what every other room stands on."""
