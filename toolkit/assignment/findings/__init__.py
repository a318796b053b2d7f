"""The findings of `toolkit check`, the recorded numbers that prove them, their messages, and the
pages that explain them.
"""
