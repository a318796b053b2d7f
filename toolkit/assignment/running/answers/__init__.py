"""The replies to the judge's questions: one class for each part, one method for each question."""
