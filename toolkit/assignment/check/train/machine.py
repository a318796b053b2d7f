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
            "missing-folder",
            f"A file is written to the folder {folder['folder']}, which is not there. The check "
            "made it and went on. What happens on a machine where nobody has made it by hand?",
            at=Place(folder["file"], folder["line"]),
            proof={"said": folder["folder"], "where": [folder["file"], folder["line"]]},
        )
    if gpu := first.get("gpu"):
        verdicts.fault(
            "fixed-device",
            "Tensors are put on the GPU, whether there is one or not. What should decide?",
            at=Place(*(gpu["device"] or (gpu["file"], gpu["line"]))),
            proof={"happened": gpu["name"]},
        )
    return gpu is not None
