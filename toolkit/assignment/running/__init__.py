"""The package that runs a student's code, and that contains no right answers.

Of the whole toolkit, the sandbox gets a copy of this package only.
"""
