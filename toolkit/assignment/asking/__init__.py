"""Starts the process that runs a student's code, and sends it questions through a pipe."""
