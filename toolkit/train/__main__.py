"""python -m toolkit.train."""

from toolkit.train.app import app

if __name__ == "__main__":
    app(prog_name="python -m toolkit.train")
