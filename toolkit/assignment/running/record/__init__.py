"""Modules that record what a student's networks and scripts compute."""
