"""Grading of a folder of archives."""
