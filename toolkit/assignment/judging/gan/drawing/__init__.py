"""Judges the samples and the interpolation that a student draws with a trained generator."""
