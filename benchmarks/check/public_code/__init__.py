"""Code that others wrote, and what was said about it by hand."""
