"""Five questions about a student's own lines of code; the answers come from running the code."""
