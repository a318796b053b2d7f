"""The process that runs one part of a submission: on Linux, a fork of a process that has already
imported everything; elsewhere, a new process.
"""
