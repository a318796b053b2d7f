"""The package that runs a student's code; it contains no correct answers.

The sandbox gets a copy of this package, and no other part of the toolkit.
"""
