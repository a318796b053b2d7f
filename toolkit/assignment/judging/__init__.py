"""Judges the parts of a submission: asks, computes, and states findings."""
