"""Pairs of submissions with nearly identical code, and side-by-side views of these pairs."""
