"""Packages for Gradescope, Classroom 50 and GitHub Actions, which run a grader."""
