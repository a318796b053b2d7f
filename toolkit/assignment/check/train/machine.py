"""Whether a script runs on other machines: where folders are missing, and where no GPU is."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.assignment.check.verdicts import Place, Verdicts


def check_machine(events: Sequence[Mapping[str, Any]], verdicts: Verdicts) -> bool:
    """Look at what happened while a script ran.

    Returns:
        whether a GPU was asked for.
    """
    first = {event["kind"]: event for event in reversed(events)}
    if folder := first.get("folder"):
        verdicts.fault(
            "missing-folder.made",
            at=Place(folder["file"], folder["line"]),
            proof={"said": folder["folder"], "where": [folder["file"], folder["line"]]},
        )
    if gpu := first.get("gpu"):
        verdicts.fault(
            "fixed-device.used",
            at=Place(*(gpu["device"] or (gpu["file"], gpu["line"]))),
            proof={"happened": gpu["name"]},
        )
    return gpu is not None
