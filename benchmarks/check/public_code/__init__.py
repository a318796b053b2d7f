"""Code that others wrote, with verdicts written by hand."""
