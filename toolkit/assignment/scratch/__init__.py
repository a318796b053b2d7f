"""Temporary folders; a folder is deleted only if a file in it proves that the toolkit made it."""
