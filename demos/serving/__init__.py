"""The server of a demo.

Importing this package makes sure that Python finds the toolkit, even if it is not installed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if (ROOT / "toolkit").is_dir():  # a checkout or a Space, where the toolkit may not be installed
    sys.path.insert(0, str(ROOT))
