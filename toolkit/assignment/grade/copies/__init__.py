"""Pairs of submissions with nearly the same code, and their side-by-side view."""
