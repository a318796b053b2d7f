"""Functions that use a classifier to compare generated digits with real images."""
