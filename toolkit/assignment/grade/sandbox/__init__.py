"""Where a stranger's program runs: limited, isolated from the machine, and supervised."""
