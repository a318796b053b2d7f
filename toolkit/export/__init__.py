"""The exports: the one door through which everybody else sees the models."""
