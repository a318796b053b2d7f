"""The package that runs a student's code, and that contains no right answers.

The sandbox gets a copy of this package, and no other part of the toolkit.
"""
