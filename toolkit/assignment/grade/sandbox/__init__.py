"""Where a stranger's program runs."""
