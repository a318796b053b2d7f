"""The report, filled with the numbers and pictures of the training runs."""
