"""Commands that work with students' submissions of the assignment, such as check, report, pack and
grade.
"""
