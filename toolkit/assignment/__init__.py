"""Check, report, pack and grade the submissions of students."""
