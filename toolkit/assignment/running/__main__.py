"""Start the warm process that waits for submissions: python -m toolkit.assignment.running"""

import gc
import importlib

if __name__ == "__main__":
    gc.disable()  # until all imports are done; collecting garbage takes as long as importing torch
    importlib.import_module("toolkit.assignment.running.serving").main()
