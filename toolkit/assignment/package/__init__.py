"""Packages for platforms that run a grader: Gradescope, Classroom 50 and GitHub Actions."""
