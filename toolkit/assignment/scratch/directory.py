"""The implementation of scratch folders for this operating system."""

import sys

if sys.platform == "win32":
    from toolkit.assignment.scratch.by_name import scratch_directory as scratch_directory
else:
    from toolkit.assignment.scratch.proved import scratch_directory as scratch_directory
