"""Identifies the gates, c(t) and h(t) among the values that a network computes, and explains how
they deviate from the equations.
"""
