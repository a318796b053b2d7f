"""Whether a script runs on other machines: where folders are missing, and where no GPU is."""

from toolkit.assignment.check.train.trace import Trace
from toolkit.assignment.check.verdicts import Verdicts


def check_machine(trace: Trace, verdicts: Verdicts) -> None:
    """Look at what happened while a script ran."""
    for made in trace.notes("folder")[:1]:
        seen = {"said": made.folder, "where": [made.file, made.line]}
        verdicts.fault("missing-folder.made", at=made, proof=seen)
    for gpu in trace.notes("gpu")[:1]:
        at = gpu.device or gpu
        verdicts.fault("fixed-device.used", at=at, proof={"happened": gpu.name})
