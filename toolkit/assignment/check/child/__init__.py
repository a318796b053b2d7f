"""Runs a student's code and answers questions about it; no answer to any task is in here."""
