"""Judges the parts of a submission: asks the process that runs the student's code for results,
evaluates its replies and reports the findings.
"""
