"""How good generated digits are: by a classifier, beside what real images get."""
