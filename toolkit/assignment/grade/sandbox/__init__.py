"""The sandbox of a stranger's program: limited, isolated from the machine, and supervised."""
