"""The findings of `toolkit check`, their messages, the pages that explain them, and the recorded
numbers that serve as evidence for them.
"""
