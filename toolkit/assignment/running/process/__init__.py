"""The process of one part: a fork of the warm one on Linux, one that starts anew elsewhere."""
