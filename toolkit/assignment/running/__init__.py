"""Runs a student's code, and holds no right answer: all that the sandbox sees of the toolkit."""
