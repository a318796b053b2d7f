"""The check of a student's `my_gan.py`."""
