"""Runs a student's script as they would, and records what really happened: the trace."""
