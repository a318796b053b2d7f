"""The process that runs one part: a fork of the warm process on Linux, a new process elsewhere."""
