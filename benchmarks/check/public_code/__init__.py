"""Modules that fetch public code by others, and score the check's reports on it."""
