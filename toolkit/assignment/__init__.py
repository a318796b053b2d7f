"""Commands, such as check, report, pack and grade, that work with students' submissions for the
assignment.
"""
