"""Imports a student's files, with stand-ins for what the check does not need."""
