"""The quality of generated digits: measured by a classifier, beside real images."""
