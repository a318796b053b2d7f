"""The scratch folders for this operating system."""

import sys

if sys.platform == "win32":
    from toolkit.common.scratch.by_name import scratch_directory as scratch_directory
else:
    from toolkit.common.scratch.proved import scratch_directory as scratch_directory
