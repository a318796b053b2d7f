"""Finds out which of a network's computed values are the gates, which are c(t) and which are h(t),
and explains how these deviate from the equations.
"""
