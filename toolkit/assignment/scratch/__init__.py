"""Temporary folders; except on Windows, a folder without a proof of ownership is never deleted."""
