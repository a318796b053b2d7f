"""Imports a student's files, with stand-ins for packages that the check does not need."""
