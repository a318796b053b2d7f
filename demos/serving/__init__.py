"""The server of a demo. Importing this package makes sure that the toolkit is found, installed
or not.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if (ROOT / "toolkit").is_dir():  # a checkout or a Space, where it may not be installed
    sys.path.insert(0, str(ROOT))
