"""The process of one part: a fork of the warm process on Linux, a new process elsewhere."""
