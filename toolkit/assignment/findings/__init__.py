"""Findings of the check, with their proofs, their messages and the pages that explain them."""
