"""Fills the assignment's report with the numbers and pictures of training runs."""
