"""Measurements of generated digits with a classifier, for comparison with real images."""
