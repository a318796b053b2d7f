"""python -m toolkit.train."""

import sys

try:
    from toolkit.train.app import app
except KeyboardInterrupt:  # no command has begun yet
    sys.exit(130)

if __name__ == "__main__":
    app(prog_name="python -m toolkit.train")
