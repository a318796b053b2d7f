"""Reads a hand-in without running it: its files, notebooks, archive and records."""
