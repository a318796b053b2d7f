"""Pairs of submissions with nearly the same code, and how they look side by side."""
