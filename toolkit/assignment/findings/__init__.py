"""The findings of `toolkit check`, the recorded numbers that serve as evidence for them, their
messages, and the pages that explain them.
"""
