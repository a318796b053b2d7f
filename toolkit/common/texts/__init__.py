"""Texts in languages other than English."""
