"""The commands for submissions of the assignment, such as check, report, pack and grade."""
