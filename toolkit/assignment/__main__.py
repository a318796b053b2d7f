"""python -m toolkit.assignment."""

import sys

try:
    from toolkit.assignment.app import app
except KeyboardInterrupt:  # no command has begun yet
    sys.exit(130)

if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
