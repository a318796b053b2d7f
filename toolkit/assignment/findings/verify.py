"""Functions that verify a finding by evaluating its claim on the recorded numbers.

The verification uses only the numbers that the check recorded with the finding. It neither runs the
student's code nor sends requests to a process.
"""

import math
from collections.abc import Iterable, Mapping, Set
from typing import Any

from toolkit.assignment.findings.findings import Finding, Id, Proof, Verdict
from toolkit.assignment.findings.rules import claims

MOST = 100  # items of a list, or characters of a text, that are recorded


def proof_of(verdict: Verdict, ids: Iterable[Id | None], evidence: claims.Evidence) -> Proof:
    """Return the proof of a finding: a claim, and the numbers that should satisfy it.

    Args:
        ids: the id of the fault or, if the verdict is "right", the ids of the faults that are ruled
            out.

    Raises:
        TypeError: the claim cannot prove this verdict, or does not cover every fault in `ids`.
    """
    claim = evidence.claim
    if not _is_about(claim, verdict, ids):
        raise TypeError(
            f"{claim.name} proves nothing about {', '.join(map(str, ids))} that is {verdict}"
        )
    seen = {name: _plain(value) for name, value in evidence.seen.items()}
    return Proof(kind=claim.kind, claim=claim.name, says=claim.sentence, seen=seen)


def _is_about(claim: claims.Claim[...], verdict: Verdict, ids: Iterable[Id | None]) -> bool:
    """True if the claim, once shown to hold, proves the given verdict for every fault with one of
    the given ids.
    """
    return claim.verdict == verdict and claim.ids.issuperset(ids)


def is_pending(finding: Finding) -> bool:
    """True if the code failed once during the check, and the failure has yet to be confirmed by
    running the unchanged code.
    """
    return finding.proof is not None and finding.proof.claim == claims.shared.failed_once.name


def is_proved(finding: Finding) -> bool:
    """True if the finding names a claim that can prove it, and if this claim holds for the recorded
    numbers.
    """
    if finding.proof is None:
        return False
    claim = claims.CLAIMS.get(finding.proof.claim)
    ids = finding.answers if finding.verdict == "right" else (finding.id,)
    if claim is None or not _is_about(claim, finding.verdict, ids):
        return False
    try:
        holds = claim.holds(**finding.proof.seen)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return False  # numbers that are malformed
    return holds and claim.kind == finding.proof.kind


def _plain(value: Any) -> Any:
    """Return a value converted to the types that JSON can store."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:MOST]]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # which proves nothing
    if isinstance(value, str):
        return value[:MOST].encode(errors="replace").decode()
    return value
