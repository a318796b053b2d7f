"""Grading a folder of submission archives."""
