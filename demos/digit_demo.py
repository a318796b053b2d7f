"""The gate microscope, a page in the browser: python demos/digit_demo.py [--share] [--help]"""

from serving.app import command_line

app = command_line("Gate microscope", "gate_microscope.page")

if __name__ == "__main__":
    app()
