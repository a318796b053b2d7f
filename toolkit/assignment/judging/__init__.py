"""Judges the parts of a submission: asks the child process, computes, and states findings."""
