"""Packages that run the grader on Gradescope, in Classroom 50 or in GitHub Actions."""
