"""Packages with which Gradescope, Classroom 50 and GitHub Actions run the grader."""
