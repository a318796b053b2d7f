"""Temporary folders, which are deleted only if a proof shows that the toolkit made them."""
