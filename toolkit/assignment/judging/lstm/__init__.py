"""The check of a student's `lstm.py`."""
