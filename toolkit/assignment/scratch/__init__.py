"""Temporary folders; except on Windows, a folder is deleted only if a file in it proves that the
toolkit made it for this user.
"""
