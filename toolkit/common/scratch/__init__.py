"""Folders for a while: made with a proof of who made them, and deleted by that proof alone."""
