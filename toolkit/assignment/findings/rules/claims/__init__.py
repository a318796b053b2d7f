"""The claims that make a finding certain: one file for each judge, and one file for all judges.

A judge calls a claim with the numbers that the judge saw, and gets the evidence for a finding:
`verdicts.fault("dead-parameter.unused", proof=claims.lstm.moving_changes_nothing(...))`.
`findings/verify.py` recomputes the claim from these numbers.
"""

from types import ModuleType

from toolkit.assignment.findings.rules.claims import dataset, gan, lstm, shared, train
from toolkit.assignment.findings.rules.claims.claim import Claim, Evidence

__all__ = ["CLAIMS", "Claim", "Evidence", "dataset", "gan", "lstm", "shared", "train"]


def _claims_in(*modules: ModuleType) -> dict[str, Claim[...]]:
    """Return the claims of these modules by their names."""
    claims: dict[str, Claim[...]] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Claim):
                claims[value.name] = value
    return claims


CLAIMS = _claims_in(shared, dataset, lstm, train, gan)
