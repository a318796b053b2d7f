"""Finds the gates, c(t) and h(t) among a network's numbers, and their deviations from the
equations.
"""
