"""Five questions about a student's own lines, whose answers come from running the code."""
