"""Replies to questions from the judge, the process that checks the submission: one class for each
part of a submission, and one method for each question.
"""
