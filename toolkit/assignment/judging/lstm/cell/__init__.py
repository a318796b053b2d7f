"""Finds the gates, c(t) and h(t) among the values that a network computes, and their deviations
from the equations.
"""
