"""Findings, their proofs, their sentences and their pages."""
