"""Verifies a finding: computes its claim again from the numbers that were recorded.

It runs no student's code, asks nobody, and sees nothing but these numbers.
"""

import inspect
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

from toolkit.assignment.check.findings import Finding, Id, Proof
from toolkit.assignment.check.rules.claims import CLAIMS, RIGHT, Claim

MOST = 100  # of a list or a text that is recorded
ONCE: tuple[Id, ...] = ("does-not-run", "does-not-import", "missing-folder")  # and then again


def proof_of_right(answers: Sequence[Id], seen: Mapping[str, Any]) -> Proof:
    """Return the proof that these faults are not there, by the claim that asks for these numbers.

    Raises:
        TypeError: there is none.
    """
    for sentence, claim in RIGHT.items():
        if {*answers} <= {*claim.ids.split()} and _asks_for(claim, seen):
            return Proof(kind=claim.kind, claim=sentence, seen=_plain_values(seen))
    raise TypeError(f"nothing proves that there is no {answers} from {', '.join(seen)}")


def proof_of(id: Id, seen: Mapping[str, Any]) -> Proof:
    """Return a proof by the claim that may prove such a finding, and that asks for these numbers.

    Raises:
        TypeError: there is none.
    """
    for sentence, claim in CLAIMS.items():
        if id in claim.ids.split() and _asks_for(claim, seen):
            return Proof(kind=claim.kind, claim=sentence, seen=_plain_values(seen))
    if id in ONCE and seen.keys() == {"said", "where"}:
        return Proof(kind="experiment", claim="", seen=_plain_values(seen))
    raise TypeError(f"nothing proves {id} from {', '.join(seen) or 'nothing'}")


def _asks_for(claim: Claim, seen: Mapping[str, Any]) -> bool:
    """True if the parameters of a claim have the names of what was seen."""
    return inspect.signature(claim.holds).parameters.keys() == seen.keys()


def is_pending(finding: Finding) -> bool:
    """True if it was seen once, and is to be tried without the check's hands."""
    return finding.proof is not None and not finding.proof.claim and finding.id in ONCE


def is_proved(finding: Finding) -> bool:
    """True if what was seen makes the claim true, and the claim makes the finding certain."""
    if finding.proof is None:
        return False
    is_right = finding.verdict == "right"
    claim = (RIGHT if is_right else CLAIMS).get(finding.proof.claim)
    ids = {*finding.answers} if is_right else {finding.id}
    if claim is None or not ids <= {*claim.ids.split()}:
        return False
    try:
        holds = bool(claim.holds(**finding.proof.seen))
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return False  # numbers that are malformed
    return holds and claim.kind == finding.proof.kind


def _plain_values(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in seen.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
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
