"""Check a submission: a parent that supervises, and children that run the code."""
