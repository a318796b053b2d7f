"""Temporary folders that hold a proof of their maker and are deleted only because of this proof."""
