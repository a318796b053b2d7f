"""Start the warm process that waits for submissions: python -m toolkit.assignment.running"""

import gc
import importlib

if __name__ == "__main__":
    gc.disable()  # until all is there that stays: looking through it takes as long as torch itself
    importlib.import_module("toolkit.assignment.running.serving").main()
