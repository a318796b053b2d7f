"""Running a student's code and recording what it does."""
