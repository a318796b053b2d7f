"""Fill the report with the numbers and pictures of the runs."""
