"""python -m toolkit.assignment."""

from toolkit.assignment.app import app

if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
