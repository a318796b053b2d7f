"""Measurements of generated digits by a classifier, compared with real images."""
