"""Packages for the platforms that run a grader themselves: Gradescope, Classroom 50, Actions."""
