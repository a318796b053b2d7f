"""The records of a student's own trainings, and the doubts about them."""
