"""Functions that read the files, notebooks, archive and records of a hand-in without running any
code.
"""
