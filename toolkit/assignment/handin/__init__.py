"""Functions that read a submission without running any of its code: the archive, the source files,
the notebooks and the records of training runs.
"""
