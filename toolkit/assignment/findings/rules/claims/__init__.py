"""Claims, the conditions that prove findings: one module for each judge (the code that checks one
part of a submission), and one module that all judges share.

A judge calls a claim with the numbers that the judge observed, and gets evidence for a finding:
`verdicts.fault("dead-parameter.unused", proof=claims.lstm.moving_changes_nothing(...))`.
`findings/verify.py` evaluates the claim on these numbers.
"""

from types import ModuleType

from toolkit.assignment.findings.rules.claims import dataset, gan, lstm, shared, train
from toolkit.assignment.findings.rules.claims.claim import Claim, Evidence

__all__ = ["CLAIMS", "Claim", "Evidence", "dataset", "gan", "lstm", "shared", "train"]


def _claims_in(*modules: ModuleType) -> dict[str, Claim[...]]:
    """Return the claims that are defined in these modules, by name."""
    claims: dict[str, Claim[...]] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Claim):
                claims[value.name] = value
    return claims


CLAIMS = _claims_in(shared, dataset, lstm, train, gan)
