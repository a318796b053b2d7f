"""The records of a student's training runs, and the doubts about these records."""
