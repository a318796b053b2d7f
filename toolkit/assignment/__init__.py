"""The commands for submissions of the assignment: check, report, pack and grade."""
