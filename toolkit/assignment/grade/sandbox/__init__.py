"""The sandbox for untrusted programs: limited, isolated from the machine, and supervised."""
