"""Claims: each claim is a condition that proves a finding if the observed values satisfy it. Each
judge (the code that checks one part of a submission) has its own module of claims, and one module
is shared by all judges.

A judge calls a claim with the numbers that the judge observed, and gets evidence for a finding:
`verdicts.fault("dead-parameter.unused", proof=claims.lstm.moving_changes_nothing(...))`.
`findings/verify.py` evaluates the claim on these numbers.
"""

from types import ModuleType

from toolkit.assignment.findings.rules.claims import dataset, gan, lstm, shared, train
from toolkit.assignment.findings.rules.claims.claim import Claim, Evidence

__all__ = ["CLAIMS", "Claim", "Evidence", "dataset", "gan", "lstm", "shared", "train"]


def _claims_in(*modules: ModuleType) -> dict[str, Claim[...]]:
    """Return every claim defined in the given modules, in a dictionary whose keys are the claims'
    names.
    """
    claims: dict[str, Claim[...]] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Claim):
                claims[value.name] = value
    return claims


CLAIMS = _claims_in(shared, dataset, lstm, train, gan)
