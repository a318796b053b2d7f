"""Judges the parts of a submission: queries the child process, evaluates the replies and reports
findings.
"""
