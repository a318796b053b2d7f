"""The environment variables that Gradio and its dependencies read.

This module does not import Gradio, because the variables have to be set before Gradio is imported.
"""

import os
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")

SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Gradio sums up its last events after each event, which is useless without monitoring.
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**31),
}


def prepare(scratch: Path) -> None:
    """Disable telemetry and keep all files in `scratch`; call this before importing Gradio."""
    os.environ.update(SETTINGS, GRADIO_TEMP_DIR=str(scratch / "files"))
    local = ",".join(filter(None, [os.environ.get("NO_PROXY"), *LOOPBACK]))
    os.environ.update(NO_PROXY=local, no_proxy=local)  # Gradio asks its own page whether it is up
