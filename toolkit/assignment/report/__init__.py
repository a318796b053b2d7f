"""The report, which is filled with the numbers and pictures of training runs."""
