"""The judge's side of the pipe to the process that runs a student's code."""
